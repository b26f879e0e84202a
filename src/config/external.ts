import { brokerUrl } from './broker-url.ts'
import type { UpOptions } from './options.ts'
import type { SectionSources } from './section.ts'

/** What is wrong with an option in the company of the others. */
export interface Misfit {
  readonly option: keyof UpOptions
  readonly what: string
  readonly allowed: string
}

const files = ['brokerCa', 'brokerCert', 'brokerKey', 'brokerPasswordFile'] as const

/** Settings of an external broker, seen together. The files are read once here, so that a wrong name is a mistake of the
 *  configuration and not a broker that never answers; they are read again at each connection. */
export function externalMisfits(options: UpOptions, readSecret: SectionSources['readSecret']): Misfit[] {
  const { broker, brokerUser, brokerPassword, brokerPasswordFile, brokerCert, brokerKey, insecure } = options
  if (broker === 'embedded') return []
  const out: Misfit[] = []
  const wrong = (option: Misfit['option'], what: string, allowed: string): void => void out.push({ option, what, allowed })
  for (const option of files) {
    const file = options[option]
    const read = file === null ? null : readSecret(file)
    if (read?.ok === false) wrong(option, read.what, read.allowed)
  }
  if (!broker.tls)
    for (const option of ['brokerCa', 'brokerCert', 'brokerKey'] as const)
      if (options[option] !== null) wrong(option, `is for TLS, and ${brokerUrl(broker)} has none`, 'an mqtts:// URL')
  if ((brokerCert === null) !== (brokerKey === null))
    wrong(brokerCert === null ? 'brokerKey' : 'brokerCert', 'is one half of two', 'broker_cert and broker_key together')
  const credentials = brokerUser ?? brokerPassword ?? brokerPasswordFile
  if (!broker.tls && credentials === null && !isLoopback(broker.host) && !insecure)
    wrong(
      'broker',
      `${brokerUrl(broker)} is another machine, without TLS and without credentials`,
      'mqtts://, or broker_user with its password; --insecure if everybody in that network may read and write all of it',
    )
  return out
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
