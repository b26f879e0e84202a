import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeAck, decodeStatus } from '../../src/contract/decode.ts'
import { type Board, createBoard } from '../../src/sim/board.ts'
import { type CommandDesk, openDesk } from '../../src/sim/command-desk.ts'
import { type AckBody, blankFlash, type Remembered } from '../../src/sim/command-memory.ts'
import { temporaryData } from '../espalier.ts'
import { loadVectors } from '../vectors.ts'
import { buildProgram, compilerThere } from './build.ts'

/** What the firmware does with commands is what the virtual node does: every vector, then scripts of commands, repeats, restarts and lost
 *  connections that chance makes, asked of the C++ core under sanitizers and of the reference. Then chance cuts the power. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const startMs = 1_780_000_000_000

interface Answer {
  readonly acks: readonly Record<string, any>[]
  readonly ran: readonly { id?: string; command: string; params: unknown }[]
  readonly outputs: readonly number[]
  readonly led: number
  readonly ignored: number
  readonly off: boolean
}

type Event =
  | { kind: 'receive'; payload: Buffer; retain: boolean; dup: boolean; atMs: number; wallMs: number }
  | { kind: 'step'; atMs: number }
  | { kind: 'connect' | 'deliver' | 'reboot' | 'forget' }
  | { kind: 'cut'; nth: number; tear: number; tail: number }

function lineOf(event: Event): string {
  if (event.kind === 'receive')
    return `receive ${+event.retain} ${+event.dup} ${event.wallMs} ${event.atMs} ${event.payload.toString('hex')}`
  if (event.kind === 'step') return `step ${event.atMs}`
  return event.kind === 'cut' ? `cut ${event.nth} ${event.tear} ${event.tail}` : event.kind
}

/** The virtual node's desk and board, asked the same. */
class Reference {
  private board: Board = this.newBoard(blankFlash.config)
  private remembered: readonly Remembered[] = []
  private desk: CommandDesk = this.newDesk()
  private unconfirmed: AckBody[] = []
  private ran: Answer['ran'][number][] = []
  private ignoredBefore = 0

  private newBoard(config: Board['config']): Board {
    return createBoard({
      intervalS: 10,
      config,
      uptimeS: nowMs => Math.floor(nowMs / 1_000),
      takeReading: () => ({ temperature: 22.5 }),
    })
  }
  private newDesk(): CommandDesk {
    return openDesk({
      board: this.board,
      remembered: this.remembered,
      save: commands => void (this.remembered = commands),
      witness: (id, command, params) => this.ran.push({ ...(id !== null && { id }), command, params }),
    })
  }

  do(event: Event): Answer {
    this.ran = []
    const acks = this.acksOf(event)
    this.unconfirmed.push(...acks)
    return {
      acks: acks.map(ack => ({ ...ack })),
      ran: this.ran,
      outputs: [this.board.outputs.get('relay')!, this.board.outputs.get('pump')!],
      led: this.board.led.brightness,
      ignored: this.ignoredBefore + this.desk.ignored,
      off: false,
    }
  }

  private acksOf(event: Event): readonly AckBody[] {
    if (event.kind === 'receive') {
      const now = { monoMs: event.atMs, wallMs: event.wallMs }
      const over = this.ticked(now)
      return [...over, ...this.desk.receive(event.payload, event, now).acks]
    }
    if (event.kind === 'step') return this.ticked({ monoMs: event.atMs, wallMs: 0 })
    if (event.kind === 'deliver') for (const ack of this.unconfirmed) this.desk.delivered(ack)
    this.unconfirmed = []
    if (event.kind === 'reboot') {
      this.ignoredBefore += this.desk.ignored
      this.board = this.newBoard(this.board.config)
      this.desk = this.newDesk()
    }
    return event.kind === 'connect' ? this.desk.undelivered() : []
  }

  private ticked(now: { monoMs: number; wallMs: number }): readonly AckBody[] {
    this.board.tick(now.monoMs)
    return this.desk.tick(now)
  }
}

/** What both must say alike: everything but the words for a person. */
function essence(answer: Answer): unknown {
  const acks = answer.acks.map(({ id, command, state, result, error }) =>
    JSON.stringify({ id: id ?? null, command, state, result: result ?? null, code: error?.code ?? null }),
  )
  // The firmware's log hides what may be a secret.
  const ran = answer.ran.map(({ id, command, params }) => ({
    id,
    command,
    params: ['configure', 'update_firmware'].includes(command) ? null : params,
  }))
  const { outputs, led, off } = answer
  return { acks: [...new Set(acks)].sort(), ran, outputs, led, off }
}

describe.skipIf(!compilerThere)('the commands of the firmware', () => {
  let program: ChildProcessWithoutNullStreams
  let remove: () => Promise<void>
  const waiting: ((answer: any) => void)[] = []

  beforeAll(async () => {
    const data = await temporaryData()
    remove = data.remove
    program = spawn(await buildProgram('desk', data.dir))
    createInterface({ input: program.stdout }).on('line', line => waiting.shift()!(parsed(line)))
    let said = ''
    program.stderr.setEncoding('utf8').on('data', text => (said += text))
    program.on('exit', code => waiting.splice(0).forEach(answer => void answer({ exited: code, said })))
  }, 240_000)
  afterAll(async () => {
    program.stdin.end()
    await remove()
  })

  const parsed = (line: string): unknown => {
    try {
      return JSON.parse(line)
    } catch {
      return { unreadable: line }
    }
  }
  const ask = (line: string): Promise<any> =>
    new Promise(done => {
      waiting.push(done)
      program.stdin.write(`${line}\n`)
    })
  const tell = async (event: Event): Promise<Answer> => {
    const answer = await ask(lineOf(event))
    expect(answer).toHaveProperty('acks')
    for (const ack of answer.acks) {
      expect(decodeAck(Buffer.from(JSON.stringify(ack)), { topicNode: 'n1' })).toMatchObject({ ok: true })
      if (ack.error) expect(ack.error.message.length).toBeGreaterThan(10)
    }
    return answer
  }
  const receive = (message: unknown, atMs = 0, flags: { retain?: boolean; dup?: boolean } = {}): Event => ({
    kind: 'receive',
    payload: Buffer.isBuffer(message) ? message : Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)),
    retain: flags.retain ?? false,
    dup: flags.dup ?? false,
    atMs,
    wallMs: startMs + atMs,
  })

  test.each(loadVectors(['command']).map(vector => [vector.id, vector] as const))('are those of the vector %s', async (_, v) => {
    await tell({ kind: 'forget' })
    const event = receive(Buffer.from(v.payload))
    expect(essence(await tell(event))).toEqual(essence(new Reference().do(event)))
  })

  test.each(['status 0', 'status 1 61', 'status 8 61', `status 9 ${'c3a9'.repeat(64)}`, `status 8 ${'22'.repeat(64)}`])(
    'come from a node whose %s the manager reads',
    async line => {
      const messages: any[] = await ask(line)
      expect(messages.map(message => message.online)).toEqual([true, false, false])
      for (const message of messages) {
        const payload = Buffer.from(JSON.stringify(message))
        expect(decodeStatus(payload, { topicNode: 'n1', retained: true })).toMatchObject({ ok: true, status: message })
      }
    },
  )

  test('are executed once, however often one comes over restarts', async () => {
    await tell({ kind: 'forget' })
    const ran: unknown[] = []
    for (let i = 0; i < 100; i++) {
      ran.push(...(await tell(receive({ id: 'a', command: 'set_led', params: { state: 'on' } }, i, { dup: i % 2 === 1 }))).ran)
      await tell({ kind: 'reboot' })
    }
    expect(ran).toEqual([{ id: 'a', command: 'set_led', params: { state: 'on' } }])
  })

  const bodies: readonly string[] = [
    '"command":"ping"',
    '"command":"ping","params":{}',
    '"command":"identify","params":{"seconds":60}',
    '"command":"identify","params":{"seconds":2.5}',
    '"command":"set_led","params":{"state":"on","brightness":9}',
    '"command":"set_led","params":{"state":"off"}',
    '"command":"set_led","params":{"state":"on"}',
    '"command":"set_output","params":{"name":"relay","value":0.25}',
    '"command":"pulse_output","params":{"name":"pump","ms":3000}',
    '"command":"pulse_output","params":{"ms":3000,"name":"pump"}',
    '"command":"set_output","params":{"name":"fan","value":1}',
    '"command":"configure","params":{"rev":7,"outputs":{"relay":{"safe":1}},"own":[1,2]}',
    '"command":"configure","params":{"rev":8,"outputs":{"fan":{"safe":1}}}',
    '"command":"set_interval","params":{"seconds":30}',
    '"command":"read_now"',
    '"command":"get_status"',
    '"command":"reboot","params":{}',
    '"command":"nope","params":{"x":[]}',
    '"command":"set_led","params":{"state":"blue"}',
  ]
  /** Most ids stand for one body, as a manager's do. */
  const command = (ids: number): fc.Arbitrary<string> =>
    fc
      .record({
        id: fc.option(fc.nat(ids - 1), { nil: null, freq: 12 }),
        other: fc.option(fc.nat(bodies.length - 1), { nil: null, freq: 1 }),
        strange: fc.nat(9),
        expires: fc.constantFrom('', ',"expires":1780000100', ',"expires":1780009999.5'),
      })
      .map(({ id, other, strange, expires }) => {
        const body = bodies[other !== null && strange === 0 ? other : (id ?? other ?? 0) % bodies.length]!
        return id === null ? `{${body}${expires}}` : `{"id":"id-${id}",${body}${expires}}`
      })
  const move = (ids: number) =>
    fc.oneof(
      {
        weight: 12,
        arbitrary: fc.record({
          kind: fc.constant('receive' as const),
          text: command(ids),
          retain: fc.nat(20).map(n => n === 0),
          dup: fc.boolean(),
          later: fc.constantFrom(0, 0, 500, 3_000),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('step' as const), later: fc.nat(60_000) }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'deliver' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'connect' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'reboot' as const }) },
    )
  type Move = typeof move extends (ids: number) => fc.Arbitrary<infer M> ? M : never

  /** Moves with their times. */
  function* events(moves: readonly Move[]): Generator<Event> {
    let atMs = 1
    for (const m of moves) {
      if ('later' in m) atMs += m.later
      if (m.kind === 'receive') yield receive(m.text, atMs, m)
      else if (m.kind === 'step') yield { kind: 'step', atMs }
      else yield m
    }
  }

  test.each([
    ['all running', 40, 3],
    ['all kinds', 45, 1],
    ['few ids', 6, 1],
  ])('go as the reference goes: %s', { timeout: 240_000 }, async (_, ids, step) => {
    await fc.assert(
      fc.asyncProperty(fc.array(move(ids), { maxLength: 120, size: 'max' }), async moves => {
        await tell({ kind: 'forget' })
        const reference = new Reference()
        // Ids of long-running commands first, so that the places fill with them.
        if (step === 3)
          for (let i = 0; i < 31; i++) {
            const event = receive(`{"id":"long-${i}","command":"identify","params":{"seconds":60}}`)
            expect(essence(await tell(event))).toEqual(essence(reference.do(event)))
          }
        for (const event of events(moves)) expect(essence(await tell(event))).toEqual(essence(reference.do(event)))
      }),
      { numRuns: 60 * scale },
    )
  })

  test('run at most once, and end as they were said to, wherever the power is cut', { timeout: 240_000 }, async () => {
    const cut = fc.record({ nth: fc.integer({ min: 1, max: 60 }), tear: fc.nat(2), tail: fc.nat(1) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(move(25), { maxLength: 80, size: 'max' }),
        fc.array(cut, { maxLength: 6 }),
        async (moves, cuts) => {
          await tell({ kind: 'forget' })
          const runs = new Map<string, number>()
          const finals = new Map<string, string>()
          const left = [...cuts]
          const take = (answer: Answer): void => {
            for (const { id } of answer.ran) if (id !== undefined) runs.set(id, (runs.get(id) ?? 0) + 1)
            for (const { id, state, result, error } of answer.off ? [] : answer.acks) {
              if (id === undefined || ['accepted', 'running'].includes(state) || error?.code === 'id_reused') continue
              const final = JSON.stringify([state, result, error?.code])
              expect(finals.get(id) ?? final).toBe(final)
              finals.set(id, final)
            }
          }
          const next = left.shift()
          if (next) await tell({ kind: 'cut', ...next })
          for (const event of events(moves)) {
            const answer = await tell(event)
            take(answer)
            if (!answer.off) continue
            await tell({ kind: 'reboot' })
            const again = left.shift()
            if (again) await tell({ kind: 'cut', ...again })
            take(await tell({ kind: 'connect' }))
            take(await tell(event))
          }
          expect([...runs.values()].filter(times => times > 1)).toEqual([])
        },
      ),
      { numRuns: 150 * scale },
    )
  })
})
