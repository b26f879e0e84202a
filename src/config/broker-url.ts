import type { ExternalBroker } from './options.ts'
import type { Check, Checked } from './values.ts'

const allowed = 'embedded, mqtt://HOST:PORT or mqtts://HOST:PORT'
const noSecrets =
  'a URL without user and password; those go into broker_user and broker_password_file, or ESPALIER_BROKER_PASSWORD'

/** Which broker: our own, or the URL of one that is there. A URL with a password would stand in process lists, files that are shown
 *  and logs, so it is refused wherever it comes from, and never repeated. */
function parse(value: unknown): Checked<'embedded' | ExternalBroker> {
  if (value === 'embedded') return { ok: true, value }
  const url = typeof value === 'string' && /^mqtts?:\/\//.test(value) && URL.canParse(value) ? new URL(value) : null
  if (url === null || url.hostname === '') return { ok: false, what: `${named(value)} can't be used`, allowed }
  if (url.username !== '' || url.password !== '')
    return { ok: false, what: 'the URL has credentials in it, which others could read', allowed: noSecrets }
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '')
    return { ok: false, what: `"${String(value)}" has something behind the port`, allowed }
  const tls = url.protocol === 'mqtts:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return { ok: true, value: { host, port: url.port === '' ? (tls ? 8883 : 1883) : Number(url.port), tls } }
}

/** What may be a URL with a password in a form that is not understood is not shown. */
const named = (value: unknown): string => (typeof value === 'string' && !value.includes('@') ? `"${value}"` : 'this')

export const brokerChoice: Check<'embedded' | ExternalBroker> = Object.assign(parse, {
  allowed,
  schema: { anyOf: [{ enum: ['embedded'] }, { type: 'string', pattern: '^mqtts?://[^@/]+/?$' }] },
  written: (value: 'embedded' | ExternalBroker) => (value === 'embedded' ? value : brokerUrl(value)),
})

export function brokerUrl({ host, port, tls }: ExternalBroker): string {
  return `${tls ? 'mqtts' : 'mqtt'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
