import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { BrokerHandlers, Credentials, Identity, Incoming } from '../../src/broker/broker.ts'
import { type EmbeddedBroker, type EmbeddedOptions, openEmbeddedBroker } from '../../src/broker/embedded/embedded.ts'
import { systemClock } from '../../src/kit/clock.ts'

/** An embedded broker on a free port of the loopback, with what the manager would do left to the test. */
export interface TestBroker {
  readonly broker: EmbeddedBroker
  readonly port: number
  /** Messages handed to `accept`, in order. */
  readonly accepted: Incoming[]
  readonly oversized: { client: string | null; user: string | null; size: number }[]
  /** `node true` or `node false` for each change. */
  readonly reachability: string[]
  readonly alarms: string[]
  /** While held, `accept` doesn't answer: nothing is durable. */
  hold(): void
  release(): void
}

/** Passwords of the test's identities; `_…` are services, the others nodes. */
export const passwords: Record<string, string> = { '01': 'one', '02': 'two', _manager: 'boss', _telegraf: 'graf' }

export const authenticate = async ({ user, password }: Credentials): Promise<Identity | null> => {
  if (passwords[user] === undefined || Buffer.from(password).toString() !== passwords[user]) return null
  return user.startsWith('_') ? { role: 'service', user } : { role: 'node', user }
}

/** Opens one; it is closed when the test ends, unless the test did. */
export async function testBroker(
  options: Partial<EmbeddedOptions> = {},
  handlers: Partial<BrokerHandlers> = {},
): Promise<TestBroker> {
  const accepted: Incoming[] = []
  const oversized: TestBroker['oversized'] = []
  const reachability: string[] = []
  const alarms: string[] = []
  let held: Promise<void> | null = null
  let letGo: () => void = () => {}
  const broker = await openEmbeddedBroker(
    {
      listeners: [{ host: '127.0.0.1', port: 0, anonymous: true }],
      clock: systemClock,
      version: 'test',
      onAlarm: sentence => alarms.push(sentence),
      ...options,
    },
    {
      accept: async group => {
        if (held !== null) await held
        accepted.push(...group)
      },
      oversize: ({ client, user, size }) => oversized.push({ client, user, size }),
      reachability: (node, reachable) => reachability.push(`${node} ${reachable}`),
      authenticate,
      ...handlers,
    },
  )
  const test: TestBroker = {
    broker,
    port: broker.ports[0]!,
    accepted,
    oversized,
    reachability,
    alarms,
    hold() {
      held = new Promise(resolve => {
        letGo = resolve
      })
    },
    release() {
      held = null
      letGo()
    },
  }
  onTestFinished(async () => {
    test.release()
    await broker.close()
  })
  return test
}

/** A folder that is gone when the test ends. */
export async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-broker-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return join(dir, 'keep')
}
