import { expect, test } from 'vitest'
import { createBoard } from '../src/sim/board.ts'
import { openDesk } from '../src/sim/command-desk.ts'
import { loadVectors } from './vectors.ts'

/** The command vectors against the virtual node: the same verdicts as the contract's own judge. */
const vectors = loadVectors(['command'])

/** Where its hardware is narrower than the contract, with what it answers instead. */
const narrower: Readonly<Record<string, string>> = {
  'command/set-output-half': 'bad_params',
  'command/update': 'hardware',
  'command/update-force': 'hardware',
}

test.each(vectors.map(vector => [`${vector.id}: ${vector.name}`, vector] as const))('%s', (_, vector) => {
  const board = createBoard({
    intervalS: 1,
    config: { rev: 0, intervalS: null, safe: {}, safeAfterS: 0 },
    uptimeS: () => 5,
    takeReading: () => ({ t: 1 }),
  })
  const desk = openDesk({ board, remembered: [], save: () => {}, witness: () => {} })
  const reply = desk.receive(Buffer.from(vector.payload), { retain: false, dup: false }, { monoMs: 0, wallMs: vector.now * 1000 })
  const answer = reply.acks[0]
  if ('ignored' in vector.expect) expect([desk.ignored, answer]).toEqual([1, undefined])
  else if ('command' in vector.expect) {
    expect(answer?.error?.code ?? null).toBe(narrower[vector.id] ?? vector.expect.error)
    expect(answer).toMatchObject({ id: vector.expect.command['id'], command: vector.expect.command['command'] })
  }
})
