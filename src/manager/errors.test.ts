import { expect, test } from 'vitest'
import { listening, PortTaken } from './errors.ts'

test('a taken port is named by its own flag, also where the listener with TLS would be the same one', async () => {
  const taken = () => Promise.reject(Object.assign(new Error('in use'), { code: 'EADDRINUSE', port: 1883 }))
  const nested = listening('--mqtts-port', '127.0.0.1', 1883, () => listening('--mqtt-port', '127.0.0.1', 1883, taken))
  await expect(nested).rejects.toThrow(PortTaken)
  await expect(nested).rejects.toMatchObject({ flag: '--mqtt-port', port: 1883, code: 'EADDRINUSE' })
})
