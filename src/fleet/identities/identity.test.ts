import { describe, expect, test } from 'vitest'
import type { Credentials } from '../../broker/broker.ts'
import { type IdentityRecord, proves, viewOfIdentity } from './identity.ts'
import { hashPassword } from './secret.ts'

const hash = hashPassword('right', into => void into.fill(7))
const record = (more: Partial<IdentityRecord>): IdentityRecord => ({
  id: '01',
  created: 1,
  rotated: null,
  revoked: null,
  proof: { kind: 'password', hash },
  ...more,
})
const withCertificate = record({ proof: { kind: 'certificate', serial: 'AB', fingerprint: 'AA:BB', expires: 9 } })
const shows = (password: string, fingerprint?: string): Credentials => ({
  user: '01',
  password: new TextEncoder().encode(password),
  address: '',
  ...(fingerprint !== undefined && { certificate: { cn: '01', serial: 'AB', fingerprint } }),
})

describe('a credential', () => {
  test.each<[string, IdentityRecord | undefined, Credentials, boolean]>([
    ['is proved by its password', record({}), shows('right'), true],
    ['is not proved by another password', record({}), shows('wrong'), false],
    ['is not proved by its password when it was revoked', record({ revoked: 5 }), shows('right'), false],
    ['is proved by its certificate', withCertificate, shows('', 'AA:BB'), true],
    ['is not proved by an older certificate of the same name', withCertificate, shows('', 'AA:CC'), false],
    ['is not proved by its certificate when it was revoked', { ...withCertificate, revoked: 5 }, shows('', 'AA:BB'), false],
    ['is not proved by a password where it is a certificate', withCertificate, shows('right'), false],
    ['is not proved by the password beside a certificate', record({}), shows('right', 'AA:BB'), false],
    ['is not proved by anything where there is none', undefined, shows('right'), false],
    ['is not proved by a certificate where there is none', undefined, shows('', 'AA:BB'), false],
    ['is not proved by nothing', record({}), shows(''), false],
    ['that nobody has is not proved by an empty password', undefined, shows(''), false],
  ])('%s', (_, identity, shown, wanted) => {
    expect(proves(identity, shown, 1)).toBe(wanted ? 'current' : null)
  })

  test('is proved by the one before it until its grace is over', () => {
    const old = { kind: 'password', hash: hashPassword('old', into => void into.fill(8)) } as const
    const inGrace = record({ previous: { proof: old, until: 100 } })
    expect(proves(inGrace, shows('right'), 99)).toBe('current')
    expect(proves(inGrace, shows('old'), 99)).toBe('previous')
    expect(proves(inGrace, shows('old'), 100)).toBe(null)
    expect(proves(inGrace, shows('other'), 99)).toBe(null)
    expect(proves({ ...inGrace, revoked: 5 }, shows('old'), 99)).toBe(null)
    expect(viewOfIdentity(inGrace, null, false).grace_until).toBe(100)
  })

  test('is shown without a secret', () => {
    expect(viewOfIdentity(record({}), null, true)).toEqual({
      id: '01',
      kind: 'password',
      created: 1,
      rotated: null,
      revoked: null,
      grace_until: null,
      expires: null,
      last_connected: null,
      connected: true,
    })
    expect(JSON.stringify(viewOfIdentity(withCertificate, 3, false))).not.toMatch(/AA:BB|"AB"/)
  })
})
