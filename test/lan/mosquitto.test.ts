import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/kit/clock.ts'
import { openCertificates } from '../../src/site/certificates/certificates.ts'
import { freePort, hasMosquitto, startMosquitto } from '../broker/mosquitto.ts'
import { mosquittoPub } from './house.ts'

/** Our files in somebody else's broker: mosquitto with the server's certificate, the CA and the revocation list. */

test.skipIf(!hasMosquitto)('mosquitto serves with our certificate and refuses who is on our list', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-ca-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const certificates = await openCertificates({
    dir,
    clock: systemClock,
    clockSuspect: () => false,
    names: () => ({ dns: ['localhost'], ips: ['127.0.0.1'] }),
    onTrouble: () => undefined,
  })
  const board = async (id: string) => {
    const { cert, key, serial } = await certificates.issue(id)
    await writeFile(join(dir, `${id}.pem`), cert)
    await writeFile(join(dir, `${id}-key.pem`), key)
    return {
      serial,
      args: [
        '-h',
        'localhost',
        '--cafile',
        join(dir, 'ca.pem'),
        '--cert',
        join(dir, `${id}.pem`),
        '--key',
        join(dir, `${id}-key.pem`),
      ],
    }
  }
  const [good, bad] = [await board('01'), await board('02')]
  await certificates.revoke(bad.serial)
  const port = await freePort()
  const { stop } = await startMosquitto([
    'user root',
    `listener ${port} 127.0.0.1`,
    `cafile ${join(dir, 'ca.pem')}`,
    `certfile ${join(dir, 'server.pem')}`,
    `keyfile ${join(dir, 'server-key.pem')}`,
    `crlfile ${join(dir, 'crl.pem')}`,
    'require_certificate true',
    'use_identity_as_username true',
  ])
  onTestFinished(stop)
  expect((await mosquittoPub(port, '01', ...good.args)).code).toBe(0)
  expect((await mosquittoPub(port, '02', ...bad.args)).code).not.toBe(0)
})
