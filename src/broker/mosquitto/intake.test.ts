import { expect, test } from 'vitest'
import type { Incoming } from '../broker.ts'
import { type Acknowledger, Intake } from './intake.ts'

const message = (n: number): Incoming => ({
  topic: 'iot/node/01/telemetry',
  payload: Buffer.from(`${n}`),
  qos: 1,
  retain: false,
  replay: false,
  arrived: 0,
  client: '',
  user: null,
})

/** `accept` answers when it is told to. */
function scene(bounds = { waitingMessages: 4, waitingBytes: 1_000 }) {
  const groups: string[] = []
  const answers: { resolve(): void; reject(error: Error): void }[] = []
  const said: string[] = []
  const connection = (name: string): Acknowledger => ({
    acknowledge: ids => said.push(`${name} acknowledges ${ids}`),
    goOn: () => said.push(`${name} goes on`),
  })
  const accept = (group: readonly Incoming[]): Promise<void> => {
    groups.push(group.map(one => Buffer.from(one.payload).toString()).join())
    return new Promise((resolve, reject) => answers.push({ resolve, reject }))
  }
  const intake = new Intake({ accept }, bounds, failure => said.push(`ended: ${(failure as Error).message}`))
  const read = (...numbers: number[]): void => {
    for (const n of numbers) {
      intake.owe(n)
      intake.add(message(n))
    }
    intake.turn()
  }
  const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  return { intake, groups, answers, said, connection, read, settle }
}

test('what comes while a group is made durable is the next group, and each is acknowledged behind it', async () => {
  const { intake, groups, answers, said, connection, read, settle } = scene()
  intake.begin(connection('a'))
  read(1, 2)
  read(3)
  read(4)
  expect(groups).toEqual(['1,2'])
  expect(said).toEqual([])
  answers[0]!.resolve()
  await settle()
  expect(groups).toEqual(['1,2', '3,4'])
  expect(said).toEqual(['a acknowledges 1,2'])
  answers[1]!.resolve()
  await intake.drained()
  expect(said).toEqual(['a acknowledges 1,2', 'a acknowledges 3,4'])
})

test('it is full at its bounds, and says when it is no more', async () => {
  const { intake, answers, said, connection, read, settle } = scene()
  intake.begin(connection('a'))
  read(1)
  read(2, 3, 4)
  expect(intake.full).toBe(false)
  read(5)
  expect(intake.full).toBe(true)
  answers[0]!.resolve()
  await settle()
  expect(intake.full).toBe(false)
  expect(said).toEqual(['a acknowledges 1', 'a goes on'])
  intake.add({ ...message(6), payload: Buffer.alloc(1_000) })
  expect(intake.full).toBe(true)
})

test('what an earlier connection brought is taken in, but never acknowledged on the next', async () => {
  const { intake, groups, answers, said, connection, read } = scene()
  intake.begin(connection('a'))
  read(1)
  read(2)
  intake.begin(connection('b'))
  read(3)
  answers[0]!.resolve()
  await new Promise(setImmediate)
  answers[1]!.resolve()
  await intake.drained()
  expect(groups).toEqual(['1', '2,3'])
  expect(said).toEqual(['a acknowledges 1', 'b acknowledges 3'])
})

test('what can not be made durable is not acknowledged, and nothing more is handed over', async () => {
  const { intake, groups, answers, said, connection, read } = scene()
  intake.begin(connection('a'))
  read(1)
  read(2)
  answers[0]!.reject(new Error('the lane is closed'))
  await intake.drained()
  expect(groups).toEqual(['1'])
  expect(said).toEqual(['ended: the lane is closed'])
})
