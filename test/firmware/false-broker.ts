import { createServer, type Socket } from 'node:net'
import mqttPacket from 'mqtt-packet'
import { onTestFinished } from 'vitest'

/** A broker that a test speaks for, where a real one can't be brought to misbehave: it lets everybody in, and hands each packet to
 *  `answer`. Gone when the test ends. */
export async function falseBroker(answer: (packet: mqttPacket.Packet, say: (packet: mqttPacket.Packet) => void) => void) {
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    const say = (packet: mqttPacket.Packet): void => void socket.write(mqttPacket.generate(packet))
    parser.on('packet', packet => {
      if (packet.cmd === 'connect') {
        connections++
        say({ cmd: 'connack', returnCode: 0, sessionPresent: false })
      } else {
        if (packet.cmd === 'subscribe')
          say({ cmd: 'suback', messageId: packet.messageId!, granted: packet.subscriptions.map(() => 1) })
        answer(packet, say)
      }
    })
    socket.on('data', bytes => parser.parse(bytes))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`,
    get connections() {
      return connections
    },
  }
}
