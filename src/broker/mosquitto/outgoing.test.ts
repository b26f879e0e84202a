import { expect, test } from 'vitest'
import type { Outgoing } from '../broker.ts'
import { OutgoingMessages } from './outgoing.ts'

const message = (topic: string, text: string): Outgoing => ({ topic, payload: Buffer.from(text), qos: 1, retain: false })

function scene(window = 2, bound = 10) {
  const sent: string[] = []
  const out = new OutgoingMessages(window, bound)
  const put = ({ topic, payload }: Outgoing, id: number): void => void sent.push(`${id} ${topic} ${payload}`)
  const ended: string[] = []
  const say = (topic: string, text: string, whenLost: 'latest' | 'give up' = 'latest'): void => {
    out.publish(message(topic, text), whenLost).then(
      () => ended.push(`${text} done`),
      error => ended.push(`${text} ${(error as Error).message.split(' ').slice(0, 5).join(' ')}`),
    )
  }
  const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  return { out, put, sent, say, ended, settle }
}

test('a publish is done at its PUBACK, and no more than the window wait for theirs', async () => {
  const { out, put, sent, say, ended, settle } = scene()
  out.opened(put)
  for (const n of [1, 2, 3]) say(`t${n}`, `${n}`)
  expect(sent).toEqual(['1 t1 1', '2 t2 2'])
  expect(out.acknowledged(2)).toBe(true)
  expect(out.acknowledged(2)).toBe(false)
  await settle()
  expect(sent).toEqual(['1 t1 1', '2 t2 2', '3 t3 3'])
  expect(ended).toEqual(['2 done'])
})

test('of what may wait for a connection the newest of its topic goes out, in order', async () => {
  const { out, put, sent, say, ended, settle } = scene()
  say('a', 'old')
  say('b', 'other')
  say('a', 'new')
  await settle()
  expect(ended).toEqual(['old done'])
  out.opened(put)
  expect(sent).toEqual(['1 b other', '2 a new'])
})

test('what was on its way when the connection ended goes out again, unless it must not', async () => {
  const { out, put, sent, say, ended, settle } = scene(3)
  out.opened(put)
  say('receipt', 'r1')
  say('command', 'c', 'give up')
  say('receipt 2', 'q')
  out.closed()
  say('receipt', 'r2')
  say('command', 'd', 'give up')
  await settle()
  expect(ended.sort()).toEqual(['c the broker went away before', 'd the broker is not connected', 'r1 done'])
  sent.length = 0
  out.opened(put)
  expect(sent.map(one => one.slice(2))).toEqual(['receipt 2 q', 'receipt r2'])
})

test('it holds a bounded number, and packet ids go round without meeting one in use', async () => {
  const { out, put, sent, say, ended, settle } = scene(2, 3)
  for (const n of [1, 2, 3, 4]) say(`t${n}`, `${n}`)
  await settle()
  expect(ended).toEqual(['4 too much waits for the'])
  out.opened(put)
  for (let n = 0; n < 70_000; n++) {
    say('t', 'x')
    const [, latest] = [sent.length, Number(sent.at(-1)!.split(' ')[0])]
    if (latest !== 1) out.acknowledged(latest)
    if (n % 1_000 === 0) await settle()
  }
  expect(sent.filter(one => one.startsWith('1 '))).toHaveLength(1)
  out.end()
})
