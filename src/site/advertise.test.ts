import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import bonjour from 'bonjour-service'
import { expect, onTestFinished, test } from 'vitest'
import { advertise, advertisedHost } from './advertise.ts'

test('a socket that can not be had is told once, and harms nothing', async () => {
  const socket = createSocket('udp4')
  socket.bind = () => {
    queueMicrotask(() => socket.emit('error', Object.assign(new Error('bind EACCES'), { code: 'EACCES' })))
    return socket
  }
  const told: string[] = []
  const heard = new Promise<void>(resolve => {
    const stop = advertise(
      [
        { type: 'secure-mqtt', port: 8883 },
        { type: 'https', port: 8443 },
      ],
      sentence => {
        told.push(sentence)
        resolve()
      },
      socket,
    )
    onTestFinished(stop)
  })
  await heard
  await new Promise(done => setImmediate(done))
  expect(told).toEqual([expect.stringContaining('bind EACCES')])
})

const network = Object.values(networkInterfaces()).some(list =>
  list?.some(({ internal, family }) => !internal && family === 'IPv4'),
)

test.skipIf(!network)('who asks on the LAN is told name, host and port (needs a network)', async () => {
  const told: string[] = []
  const stop = advertise([{ type: 'secure-mqtt', port: 18_883 }], sentence => told.push(sentence))
  const asker = new bonjour()
  onTestFinished(() => void asker.destroy())
  const found = await new Promise<{ host: string; port: number; name: string }>(resolve => {
    asker.find({ type: 'secure-mqtt' }, service => {
      if (service.port === 18_883) resolve(service)
    })
  })
  expect(found).toMatchObject({ host: advertisedHost(), port: 18_883, name: expect.stringMatching(/^Espalier on /) })
  await stop()
  expect(told).toEqual([])
})
