import { type RawClient, rawClient } from '../../test/broker/client.ts'

/** The load of the frozen subscriber's row: 100 subscribers at QoS 1 and a publisher, alone and beside a subscriber to everything
 *  that reads nothing; large messages that only this one asked for fill what the system buffers for it. The phases take turns, so that
 *  whatever else the machine does falls on both; the first warms up and doesn't count. Payloads carry the time. */
const subscribers = 100
const turns = 7
const messages = 100
const topic = 'iot/node/n1/log'
const padding = ' '.repeat(256)
const large = Buffer.alloc(60_000)

export async function run(portText: string): Promise<void> {
  const port = Number(portText)
  const latencies = { alone: [] as number[], beside: [] as number[] }
  let phase: 'alone' | 'beside' = 'alone'
  const lively = await Promise.all(Array.from({ length: subscribers }, (_, i) => rawClient({ port, clientId: `s${i}` })))
  for (const client of lively) {
    await client.subscribe({ [topic]: 1 })
    client.socket.on('data', () => {
      const now = performance.now()
      for (const packet of client.packets.splice(0)) {
        if (packet.cmd === 'publish') latencies[phase].push(now - Number(packet.payload.toString()))
      }
    })
  }
  const publisher = await rawClient({ port, clientId: 'publisher' })
  for (let turn = 0; turn < turns; turn++) {
    phase = turn % 2 === 1 ? 'beside' : 'alone'
    let still: RawClient | null = null
    if (phase === 'beside') {
      still = await rawClient({ port, clientId: `frozen${turn}` })
      await still.subscribe({ 'iot/#': 1 })
      still.socket.pause()
    }
    if (turn === 1) latencies.alone.length = 0
    const before = latencies[phase].length
    for (let i = 0; i < messages; i++) {
      publisher.send({ cmd: 'publish', topic: 'iot/node/n2/log', payload: large, qos: 0, retain: false, dup: false })
      publisher.send({
        cmd: 'publish',
        topic,
        payload: `${performance.now()}${padding}`,
        qos: 1,
        messageId: (i % 60_000) + 1,
        retain: false,
        dup: false,
      })
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const deadline = performance.now() + 5_000
    while (latencies[phase].length - before < subscribers * messages && performance.now() < deadline) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    await still?.cut()
  }
  const shown = (all: number[]) => ({
    p99: all.sort((a, b) => a - b)[Math.floor(all.length * 0.99)] ?? Number.NaN,
    missing: Math.floor(turns / 2) * subscribers * messages - all.length,
  })
  process.send?.({ alone: shown(latencies.alone), beside: shown(latencies.beside) })
  await new Promise(resolve => process.once('message', resolve))
  process.exit(0)
}
