import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judgeCommand } from '../../src/contract/commands.ts'
import { decodeCommand, decodeReceipts } from '../../src/contract/decode-for-node.ts'
import { temporaryData } from '../espalier.ts'
import { loadVectors } from '../vectors.ts'
import { buildProgram, compilerThere } from './build.ts'

/** What the firmware reads is what the contract says: every vector, and then whatever chance makes, asked of the C++ core under
 *  sanitizers and of the reference. */
describe.skipIf(!compilerThere)('the firmware reads', () => {
  let reader: ChildProcessWithoutNullStreams
  let remove: () => Promise<void>
  const waiting: ((answer: any) => void)[] = []

  beforeAll(async () => {
    const data = await temporaryData()
    remove = data.remove
    reader = spawn(await buildProgram('read', data.dir))
    createInterface({ input: reader.stdout }).on('line', line => waiting.shift()!(parsed(line)))
    let said = ''
    reader.stderr.setEncoding('utf8').on('data', text => (said += text))
    reader.on('exit', () => waiting.splice(0).forEach(answer => void answer({ crashed: said })))
  }, 120_000)
  afterAll(async () => {
    reader.stdin.end()
    await remove()
  })

  const ask = (kind: string, payload: Uint8Array) =>
    new Promise<any>(done => {
      waiting.push(done)
      reader.stdin.write(`${kind} ${Buffer.from(payload).toString('hex')}\n`)
    })

  const parsed = (line: string): unknown => {
    try {
      return JSON.parse(line)
    } catch {
      return { unreadable: line }
    }
  }
  const withoutNoise = (receipts: readonly any[]) => receipts.map(entry => ({ ...entry, rejected: entry.rejected ?? 0 }))
  const byReference = (kind: string, payload: Uint8Array): unknown => {
    if (kind === 'receipt') {
      const receipts = decodeReceipts(payload)
      return receipts ? { receipts: withoutNoise(receipts) } : { ignored: true }
    }
    const command = decodeCommand(payload)
    return command ? { command, error: judgeCommand(command.command, command.params)?.code ?? null } : { ignored: true }
  }

  test.each(loadVectors(['command', 'receipt']).map(vector => [vector.id, vector] as const))('%s', async (_, vector) => {
    const kind = vector.id.split('/')[0]!
    const answer = await ask(kind, Buffer.from(vector.payload))
    const wanted: any = vector.expect
    expect(answer).toEqual('receipts' in wanted ? { receipts: withoutNoise(wanted.receipts) } : wanted)
  })

  /** Half a pair stands for nothing: U+FFFD, as UTF-8 has it. */
  const wellFormed = (text: string): string => Buffer.from(text).toString()
  /** The core promises whole numbers exactly and the others to fourteen digits: one that is that close counts as the same. */
  const alike = (answer: any, wanted: any): unknown => {
    const { expires } = answer.command ?? {}
    const other = wanted.command?.expires
    const close = typeof other === 'number' && Math.abs(expires - other) <= Math.max(Math.abs(other) * 1e-14, 1e-250)
    const same = close ? { ...answer, command: { ...answer.command, expires: other } } : answer
    return JSON.parse(JSON.stringify(same), (_, part) => (typeof part === 'string' ? wellFormed(part) : part))
  }

  const words = [
    'id',
    'command',
    'params',
    'expires',
    'receipts',
    'boot',
    'seq',
    'seen',
    'rejected',
    'ping',
    'set_led',
    'state',
    'on',
    'brightness',
    'configure',
    'rev',
    'outputs',
    'safe',
    'é😀',
    '',
  ]
  const leaf = fc.oneof(
    fc.constantFrom(...words),
    fc.constantFrom(0, -0, 1, 255, 256, 0.1, 0.5, -1, 4294967295, 4294967296, 9007199254740991, 1e21),
    fc.double({ noNaN: true, min: -1e300, max: 1e300 }).filter(x => x === 0 || Math.abs(x) > 1e-200),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary', maxLength: 70 }),
  )
  const value = fc.letrec(tie => ({
    any: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('any'), { maxLength: 9 }),
      fc.dictionary(fc.constantFrom(...words), tie('any'), { maxKeys: 5 }),
    ),
  })).any
  const frame = fc.record(
    {
      id: leaf,
      command: fc.constantFrom('ping', 'set_led', 'configure', 'identify', 'pulse_output', 'nope'),
      params: value,
      expires: leaf,
      receipts: value,
    },
    { requiredKeys: [] },
  )
  const receipt = fc.record({
    receipts: fc.array(
      fc.record({ boot: leaf, seq: leaf, seen: leaf, rejected: leaf }, { requiredKeys: ['boot', 'seq', 'seen'] }),
      { maxLength: 9 },
    ),
  })
  /** A byte of the text changed, dropped or doubled: JSON that nearly is. */
  const hurt = fc
    .tuple(
      fc.oneof(frame, receipt).map(object => Buffer.from(JSON.stringify(object))),
      fc.nat(),
      fc.nat(255),
      fc.nat(3),
    )
    .map(([bytes, place, byte, how]) => {
      const at = place % bytes.length
      if (how === 0) return bytes
      const middle = how === 1 ? [byte] : how === 2 ? [] : [bytes[at]!, bytes[at]!]
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(middle), bytes.subarray(at + 1)])
    })

  test.each(['command', 'receipt'])('any %s as the reference does', { timeout: 300_000 }, async kind => {
    await fc.assert(
      fc.asyncProperty(hurt, async payload => {
        const answer = await ask(kind, payload)
        const wanted = byReference(kind, payload)
        expect(alike(answer, wanted)).toEqual(alike(wanted, wanted))
      }),
      { numRuns: 3_000 * Number(process.env.ESPALIER_TEST_SCALE ?? 1) },
    )
  })
})
