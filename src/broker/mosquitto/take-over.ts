import mqttPacket from 'mqtt-packet'
import { Framing } from '../wire/framing.ts'
import { packetType } from '../wire/packets.ts'
import { dial } from './dial.ts'
import type { MosquittoOptions } from './options.ts'

const patienceMs = 3_000

/** Connects for a moment under somebody else's client id: the broker throws out the connection that had it, as a lost one, will and
 *  all [MQTT-3.1.4-2]. false: not let in. A broker that makes the client id of the user name gives us our own: then it is the
 *  own connection that goes, and not clean, so that what the broker keeps for us stays. */
export async function takeOver(options: MosquittoOptions, clientId: string): Promise<boolean> {
  try {
    const credentials = await options.credentials()
    const { user, password } = credentials
    const socket = await dial(options, credentials, patienceMs)
    const code = await new Promise<number>(resolve => {
      const framing = new Framing(1_024)
      const late = setTimeout(() => resolve(-1), patienceMs)
      socket.on('error', () => resolve(-1)).once('close', () => resolve(-1))
      socket.on('data', chunk => {
        framing.feed(chunk, (bytes, first, start, end) => {
          resolve(first === packetType.connack << 4 && end - start === 2 ? bytes[start + 1]! : -1)
          return true
        })
        clearTimeout(late)
      })
      socket.write(
        mqttPacket.generate({
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: 4,
          clientId,
          clean: false,
          keepalive: 5,
          ...(user !== null && { username: user }),
          ...(user !== null && password !== null && { password: Buffer.from(password) }),
        }),
      )
    })
    socket.end(Buffer.from([packetType.disconnect << 4, 0]))
    return code === 0
  } catch {
    return false
  }
}
