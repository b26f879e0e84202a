import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Log } from './log.ts'
import { closeInTurn } from './timers.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const told: string[] = []
const log = { warn: (text: string) => told.push(text), error: (_: Error, text: string) => told.push(text) } as unknown as Log
const hangs = (): Promise<never> => new Promise(() => {})

test('rooms are closed one after the other, also behind one that fails', async () => {
  const order: string[] = []
  const closer = (name: string) => async () => {
    order.push(`${name} begins`)
    await Promise.resolve()
    order.push(`${name} ends`)
  }
  await closeInTurn([closer('broker'), () => Promise.reject(new Error('no')), closer('journal')], log)
  expect(order).toEqual(['broker begins', 'broker ends', 'journal begins', 'journal ends'])
  expect(told.splice(0)).toEqual(['closing'])
})

test('rooms that never close are left behind within four seconds, and the others still get their turn', async () => {
  const order: string[] = []
  const all = Array.from({ length: 14 }, (_, i) => (i % 2 ? hangs : async () => void order.push(`room ${i}`)))
  let over = false
  const closing = closeInTurn(all, log).then(() => (over = true))
  await vi.advanceTimersByTimeAsync(4_000)
  expect(over).toBe(true)
  await closing
  expect(order).toEqual(['room 0', 'room 2', 'room 4', 'room 6', 'room 8', 'room 10', 'room 12'])
  expect(told.splice(0)).toEqual(['not everything can be closed; what was not acknowledged stays with its sender'])
})
