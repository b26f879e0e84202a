import { onTestFinished } from 'vitest'
import type { EmbeddedOptions } from '../../../src/broker/embedded/embedded.ts'
import type { Permissions } from '../../../src/broker/embedded/permissions.ts'
import { testBroker } from '../broker.ts'
import { startMosquitto } from '../mosquitto.ts'
import { differences } from './compare.ts'
import { run } from './run.ts'
import { plan, type Step } from './script.ts'

/** A window that scripts meet. */
export const narrow = 4

/** Ours and a real mosquitto side by side, with the same window, and everything permitted on both. */
export interface Pair {
  readonly ours: number
  readonly theirs: number
  /** What the two did differently on the script. */
  compare(script: readonly Step[], limitMs?: number): Promise<string[]>
}

export const everythingAllowed: Permissions = { publish: () => true, subscribe: () => true, receive: () => true }

export async function openPair(window: number, options: Partial<EmbeddedOptions> = {}): Promise<Pair> {
  const mosquitto = await startMosquitto(['persistence false', `max_inflight_messages ${window}`])
  onTestFinished(() => mosquitto.stop())
  const { port } = await testBroker({
    permissions: everythingAllowed,
    limits: { windowLocal: window, retainedTopics: 1e6, persistentSessions: 1e6 },
    ...options,
  })
  let scripts = 0
  return {
    ours: port,
    theirs: mosquitto.port,
    async compare(script, limitMs) {
      const name = `s${scripts++}`
      const steps = plan(script, window === narrow)
      const [mine, other] = await Promise.allSettled(
        [port, mosquitto.port].map(at => run(steps, at, `iot/${name}`, name, limitMs)),
      )
      if (mine!.status === 'fulfilled' && other!.status === 'fulfilled') return differences(mine.value, other.value)
      return Object.entries({ ours: mine!, mosquitto: other! }).flatMap(([side, end]) =>
        end.status === 'rejected' ? [`${side} got stuck: ${end.reason}`] : [],
      )
    },
  }
}

/** The same script with all steps left out that the difference doesn't need. */
export async function minimised(script: readonly Step[], pair: Pair): Promise<Step[]> {
  let smallest = [...script]
  for (let size = Math.ceil(smallest.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.length; ) {
      const without = [...smallest.slice(0, at), ...smallest.slice(at + size)]
      if ((await pair.compare(without, 2_000)).length > 0) smallest = without
      else at += size
    }
  }
  return smallest
}
