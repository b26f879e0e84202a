import { test } from 'vitest'
import { brokerOfStories } from '../espalier.ts'

/** A test of what only our own broker does or tells: the story is told without it where the broker is mosquitto (its log-ins, its ACL and
 *  what it grants are its own). */
export function ofOwnBroker(name: string, story: () => Promise<void>): void {
  if (brokerOfStories === 'embedded') test(name, story)
}
