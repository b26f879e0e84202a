import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hasMosquitto } from '../broker/mosquitto.ts'
import { temporaryData, upWith } from '../espalier.ts'
import { hasFaketime, runningFrom } from '../faketime.ts'
import { mosquittoPub } from './house.ts'

test.skipIf(!hasFaketime || !hasMosquitto)(
  'a Pi that starts in 1970: boards with the right time get in, by password and by certificate',
  async () => {
    const { dir, remove } = await temporaryData()
    onTestFinished(remove)
    const house = await upWith(runningFrom(60), dir, '--lan', '--mqtts-port', '0', '--https-port', '0')
    onTestFinished(() => house.kill())
    const add = async (id: string, cert: boolean) => {
      const headers = { 'content-type': 'application/json' }
      return (await house.api('/api/nodes', { method: 'POST', body: JSON.stringify({ id, cert }), headers })).body
    }
    const { password } = await add('01', false)
    const { cert, key } = await add('02', true)
    const files = { cert: join(dir, '02.pem'), key: join(dir, '02-key.pem') }
    await writeFile(files.cert, cert)
    await writeFile(files.key, key)
    const tls = ['-h', 'localhost', '--cafile', join(dir, 'ca/ca.pem')]
    const { port } = house.run.mqtts!
    expect(await mosquittoPub(port, '01', ...tls, '-u', '01', '-P', password)).toMatchObject({ code: 0 })
    expect(await mosquittoPub(port, '02', ...tls, '--cert', files.cert, '--key', files.key)).toMatchObject({ code: 0 })
  },
)
