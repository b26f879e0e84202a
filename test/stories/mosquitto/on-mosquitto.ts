import { test } from 'vitest'
import { hasMosquitto } from '../../broker/mosquitto.ts'

/** A story again, word for word, where the broker is Debian's mosquitto and not our own (test/espalier.ts starts it). What only the own
 *  broker can show says so in the story and is left out. */
export async function onMosquitto(story: () => Promise<unknown>): Promise<void> {
  process.env.ESPALIER_TEST_BROKER = 'mosquitto'
  if (hasMosquitto) await story()
  else test.skip('mosquitto is not installed', () => undefined)
}
