import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../kit/clock.ts'
import { type Certificates, type CertificatesOptions, openCertificates } from './certificates.ts'
import { lanAddress, type MachineNames } from './names.ts'

const dayMs = 86_400_000
const names: MachineNames = { dns: ['localhost', 'pi', 'pi.local'], ips: ['127.0.0.1', '::1', '192.168.1.20'] }

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-ca-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

interface World {
  readonly dir: string
  readonly clock: ManualClock
  readonly told: string[]
  suspect: boolean
  names: MachineNames
  open(): Promise<Certificates>
}

async function world(at = Date.now()): Promise<World> {
  const it: World = {
    dir: await folder(),
    clock: new ManualClock(at),
    told: [],
    suspect: false,
    names,
    open() {
      const options: CertificatesOptions = {
        dir: it.dir,
        clock: it.clock,
        clockSuspect: () => it.suspect,
        names: () => it.names,
        onTrouble: sentence => it.told.push(sentence),
      }
      return openCertificates(options)
    },
  }
  return it
}

const openssl = (dir: string, ...args: string[]): string => {
  try {
    return execFileSync('openssl', args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    return `${stdout}${stderr}`
  }
}

const lifeOf = (pem: string) => {
  const { validFrom, validTo } = new X509Certificate(pem)
  return { from: Date.parse(validFrom), to: Date.parse(validTo) }
}

describe('what is made', () => {
  test('openssl finds every certificate good, for its purpose and no other', async () => {
    const { dir, open } = await world()
    const { issue } = await open()
    const { cert, key, ca, serial, fingerprint } = await issue('01')
    await writeFile(join(dir, '01.pem'), cert)
    const verify = (purpose: string, file: string) =>
      openssl(dir, 'verify', '-x509_strict', '-CAfile', 'ca.pem', '-purpose', purpose, file)
    expect(verify('sslserver', 'server.pem')).toBe('server.pem: OK\n')
    expect(verify('sslclient', '01.pem')).toBe('01.pem: OK\n')
    expect(verify('sslclient', 'server.pem')).toContain('purpose')
    expect(verify('sslserver', '01.pem')).toContain('purpose')
    expect(openssl(dir, 'x509', '-in', '01.pem', '-noout', '-subject', '-serial', '-fingerprint', '-sha256')).toBe(
      `subject=CN = 01\nserial=${serial}\nsha256 Fingerprint=${fingerprint}\n`,
    )
    expect(ca).toBe(await readFile(join(dir, 'ca.pem'), 'utf8'))
    expect(key).toContain('BEGIN PRIVATE KEY')
    // A board's key stays with the board.
    expect((await readdir(dir)).sort()).toEqual(['01.pem', 'ca-key.pem', 'ca.pem', 'crl.pem', 'server-key.pem', 'server.pem'])
  })

  test('the CA says what it is: critical constraints, key ids, P-256, more than ten years', async () => {
    const { dir, clock, open } = await world()
    const { ca } = await open()
    const text = openssl(dir, 'x509', '-in', 'ca.pem', '-noout', '-text')
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE/)
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/)
    expect(text).toContain('Subject Key Identifier')
    expect(text).toContain('Authority Key Identifier')
    expect(text).toContain('NIST CURVE: P-256')
    expect(ca.expires - clock.wallMs()).toBeGreaterThan(10 * 365 * dayMs)
    expect((await stat(join(dir, 'ca-key.pem'))).mode & 0o777).toBe(0o600)
  })

  test('the server certificate carries all names, and lives no longer than phones allow', async () => {
    const { dir, open } = await world()
    await open()
    for (const name of ['localhost', 'pi', 'pi.local'])
      expect(openssl(dir, 'x509', '-in', 'server.pem', '-noout', '-checkhost', name)).toContain('does match')
    for (const ip of ['127.0.0.1', '::1', '192.168.1.20'])
      expect(openssl(dir, 'x509', '-in', 'server.pem', '-noout', '-checkip', ip)).toContain('does match')
    const { from, to } = lifeOf(await readFile(join(dir, 'server.pem'), 'utf8'))
    expect(to - from).toBeLessThanOrEqual(825 * dayMs)
  })

  test('two houses are told apart by the name of their CA', async () => {
    const [one, two] = [await world(), await world()]
    const subject = ({ ca }: Certificates) => new X509Certificate(ca.pem).subject
    expect(subject(await one.open())).not.toBe(subject(await two.open()))
  })
})

describe('opened again', () => {
  test('everything stays as it is', async () => {
    const it = await world()
    const first = await it.open()
    const second = await it.open()
    expect(second.ca).toEqual(first.ca)
    expect(second.server()).toEqual(first.server())
    expect(await second.check()).toBe(false)
    expect(it.told).toEqual([])
  })

  test('a new address makes a new server certificate, under the same CA', async () => {
    const it = await world()
    const certificates = await it.open()
    const before = certificates.server()
    it.names = { ...names, ips: [...names.ips, '10.0.0.7'] }
    expect(await certificates.check()).toBe(true)
    expect(certificates.server().fingerprint).not.toBe(before.fingerprint)
    expect(openssl(it.dir, 'x509', '-in', 'server.pem', '-noout', '-checkip', '10.0.0.7')).toContain('does match')
    expect(openssl(it.dir, 'verify', '-CAfile', 'ca.pem', 'server.pem')).toBe('server.pem: OK\n')
    // One that went away is no reason.
    it.names = names
    expect(await certificates.check()).toBe(false)
  })

  test('with a third of its time left it is renewed, not before', async () => {
    const it = await world()
    const certificates = await it.open()
    it.clock.advance(260 * dayMs)
    expect(await certificates.check()).toBe(false)
    it.clock.advance(6 * dayMs)
    expect(await certificates.check()).toBe(true)
    expect(certificates.server().expires - it.clock.wallMs()).toBeGreaterThan(397 * dayMs)
  })

  test('a server key that belongs to another certificate (a crash between the two files) is made anew', async () => {
    const [it, other] = [await world(), await world()]
    const first = await it.open()
    await other.open()
    await writeFile(join(it.dir, 'server-key.pem'), await readFile(join(other.dir, 'server-key.pem')))
    const second = await it.open()
    expect(second.server().fingerprint).not.toBe(first.server().fingerprint)
    expect(second.ca).toEqual(first.ca)
  })
})

describe('a damaged CA', () => {
  test.each([
    ['missing', (file: string) => rm(file), 'is missing'],
    [
      'damaged',
      (file: string) => writeFile(file, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'),
      'is damaged',
    ],
    ['of another CA', otherKey, 'belongs to another CA'],
  ])('with its key %s it goes on serving, says so, and signs nothing', async (_, spoil, words) => {
    const it = await world()
    const first = await it.open()
    await spoil(join(it.dir, 'ca-key.pem'))
    const second = await it.open()
    expect(second.server()).toEqual(first.server())
    expect(it.told).toEqual([expect.stringContaining(words)])
    expect(it.told[0]).toContain('Restore the folder from a backup')
    await expect(second.issue('01')).rejects.toThrow(words)
    await expect(second.revoke('4A')).rejects.toThrow(words)
    it.clock.advance(300 * dayMs)
    expect(await second.check()).toBe(false)
    expect(await readFile(join(it.dir, 'ca.pem'), 'utf8')).toBe(first.ca.pem)
  })

  test('a lost certificate is made again from its key: what trusted the old one trusts it', async () => {
    const it = await world()
    const first = await it.open()
    await writeFile(join(it.dir, 'old-ca.pem'), first.ca.pem)
    await rm(join(it.dir, 'ca.pem'))
    const second = await it.open()
    expect(second.server()).toEqual(first.server())
    it.names = { ...names, dns: [...names.dns, 'new'] }
    expect(await second.check()).toBe(true)
    for (const ca of ['old-ca.pem', 'ca.pem'])
      expect(openssl(it.dir, 'verify', '-CAfile', ca, 'server.pem')).toBe('server.pem: OK\n')
  })

  test('with nothing to serve it refuses, with the way out, and touches nothing', async () => {
    const it = await world()
    const { ca } = await it.open()
    await rm(join(it.dir, 'ca-key.pem'))
    await rm(join(it.dir, 'server.pem'))
    await expect(it.open()).rejects.toMatchObject({ name: 'CertificatesDamaged', message: expect.stringContaining('Restore') })
    await writeFile(join(it.dir, 'ca.pem'), 'nothing')
    await expect(it.open()).rejects.toMatchObject({
      name: 'CertificatesDamaged',
      message: expect.stringContaining('both missing or damaged'),
    })
    expect(ca.pem).toContain('CERTIFICATE')
    expect(await readFile(join(it.dir, 'ca.pem'), 'utf8')).toBe('nothing')
  })

  async function otherKey(file: string): Promise<void> {
    const other = await world()
    await other.open()
    await writeFile(file, await readFile(join(other.dir, 'ca-key.pem')))
  }
})

describe('clocks', () => {
  test('made in 1970, a board with the right time takes it; with the right time, phones do too', async () => {
    const it = await world(60_000)
    it.suspect = true
    const certificates = await it.open()
    const years = [2026, 2030, 2040].map(year => Date.UTC(year, 5, 1) / 1000)
    for (const file of ['server.pem', 'ca.pem'])
      for (const at of [100, ...years])
        expect(openssl(it.dir, 'verify', '-attime', String(at), '-CAfile', 'ca.pem', file)).toBe(`${file}: OK\n`)
    expect(await certificates.check()).toBe(false)
    it.suspect = false
    it.clock.wall = Date.UTC(2026, 10, 24)
    expect(await certificates.check()).toBe(true)
    const { from, to } = lifeOf(certificates.server().cert)
    expect(to - from).toBeLessThanOrEqual(825 * dayMs)
  })

  test("back in 1970 after a power cut, nothing is made anew and boards' certificates are still good", async () => {
    const it = await world()
    const first = await it.open()
    await writeFile(join(it.dir, '01.pem'), (await first.issue('01')).cert)
    it.clock.wall = 60_000
    it.suspect = true
    const second = await it.open()
    expect(second.server()).toEqual(first.server())
    for (const file of ['01.pem', 'ca.pem'])
      expect(openssl(it.dir, 'verify', '-attime', '100', '-CAfile', 'ca.pem', file)).toBe(`${file}: OK\n`)
    expect(openssl(it.dir, 'verify', '-attime', '100', '-CAfile', 'ca.pem', '-crl_check', '-CRLfile', 'crl.pem', '01.pem')).toBe(
      '01.pem: OK\n',
    )
  })

  test('made while the clock was years ahead, it is made again when the clock is right', async () => {
    const it = await world(Date.UTC(2036, 0, 1))
    const certificates = await it.open()
    it.clock.wall = Date.UTC(2026, 10, 24)
    expect(await certificates.check()).toBe(true)
    expect(lifeOf(certificates.server().cert).from).toBeLessThan(it.clock.wall)
  })
})

describe('the revocation list', () => {
  const check = (dir: string, file: string, ...more: string[]) =>
    openssl(dir, 'verify', '-CAfile', 'ca.pem', '-crl_check', '-CRLfile', 'crl.pem', ...more, file)

  test('a revoked serial is in it, also after a restart and beside others; the rest is good', async () => {
    const it = await world()
    const certificates = await it.open()
    const issued = await Promise.all(['01', '02', '03'].map(id => certificates.issue(id)))
    for (const [i, { cert }] of issued.entries()) await writeFile(join(it.dir, `0${i + 1}.pem`), cert)
    await Promise.all([certificates.revoke(issued[0]!.serial), certificates.revoke(issued[1]!.serial)])
    await certificates.revoke(issued[0]!.serial)
    await (await it.open()).check()
    expect(check(it.dir, '01.pem')).toContain('certificate revoked')
    expect(check(it.dir, '02.pem')).toContain('certificate revoked')
    expect(check(it.dir, '03.pem')).toBe('03.pem: OK\n')
    const text = openssl(it.dir, 'crl', '-in', 'crl.pem', '-noout', '-text', '-CAfile', 'ca.pem')
    expect(text.match(/Serial Number/g)).toHaveLength(2)
    expect(text).toMatch(/CRL Number:\s+3/)
  })

  test('it is signed anew long before it is overdue, and numbered on', async () => {
    const it = await world()
    const certificates = await it.open()
    const { serial } = await certificates.issue('01')
    await certificates.revoke(serial)
    for (let days = 0; days < 900; days += 30) {
      it.clock.advance(30 * dayMs)
      await certificates.check()
      const next = openssl(it.dir, 'crl', '-in', 'crl.pem', '-noout', '-nextupdate').replace('nextUpdate=', '')
      expect(Date.parse(next) - it.clock.wallMs()).toBeGreaterThan(300 * dayMs)
    }
    const text = openssl(it.dir, 'crl', '-in', 'crl.pem', '-noout', '-text')
    expect(Number(/CRL Number:\s+(\d+)/.exec(text)?.[1])).toBeGreaterThan(15)
    expect(text).toContain(serial)
  })

  test('a damaged one is set aside and told, not taken for empty in silence', async () => {
    const it = await world()
    await it.open()
    await writeFile(join(it.dir, 'crl.pem'), 'garbage')
    await it.open()
    expect(it.told).toEqual([expect.stringContaining('crl.pem.damaged')])
    expect(await readFile(join(it.dir, 'crl.pem.damaged'), 'utf8')).toBe('garbage')
    expect(openssl(it.dir, 'crl', '-in', 'crl.pem', '-noout', '-CAfile', 'ca.pem')).not.toContain('rror')
  })
})

test('without a route the address of this machine is one that an interface has, or none', async () => {
  // The kernel refuses to connect to the broadcast address, as it does where there is no default route.
  const address = await lanAddress('255.255.255.255')
  const owned = Object.values(networkInterfaces()).flatMap(list => (list ?? []).map(({ address }) => address))
  expect([null, ...owned]).toContain(address)
})
