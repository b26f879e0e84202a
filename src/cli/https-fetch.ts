import { readFileSync } from 'node:fs'
import { request as send } from 'node:https'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { rootCertificates } from 'node:tls'
import { CliError, exits } from './errors.ts'

/** The certificate of a house's own CA: the file that ESPALIER_CA names, or the one in the data directory; undefined where there is
 *  none, and then only what everybody trusts is trusted. */
export function trustedCa(named: string | undefined, data: string): string | undefined {
  try {
    return readFileSync(named ?? join(data, 'ca', 'ca.pem'), 'utf8')
  } catch (error) {
    if (named === undefined) return undefined
    throw new CliError(exits.usage, 'bad_input', `ESPALIER_CA: ${named} can't be read (${(error as Error).message})`)
  }
}

/** fetch for servers whose certificate the own CA signed: Node's fetch can only be given a CA for the whole process, before it
 *  starts. As much of fetch as the API's client uses: text bodies, streamed answers, signals; it follows no redirects. */
export function fetchTrusting(ca: string | undefined): typeof fetch {
  const trusted = ca === undefined ? [...rootCertificates] : [...rootCertificates, ca]
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const { method = 'GET', headers, body, signal } = init
      const request = send(String(input), {
        method,
        headers: headers as Record<string, string>,
        ca: trusted,
        ...(signal && { signal }),
      })
      request.once('error', error => reject(inWords(error)))
      request.once('response', answer => {
        // Cut off later, the stream tells; an error of the request has nobody to go to then.
        request.on('error', () => undefined)
        const status = answer.statusCode!
        const empty = status === 204 || status === 304
        if (empty) answer.resume()
        resolve(
          new Response(empty ? null : (Readable.toWeb(answer) as ReadableStream), {
            status,
            headers: headersOf(answer.rawHeaders),
          }),
        )
      })
      request.end(body as string | undefined)
    })
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers()
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i]!, raw[i + 1]!)
  return headers
}

/** OpenSSL's word for a CA nobody told us of helps nobody. */
function inWords(error: NodeJS.ErrnoException): Error {
  const { code = '' } = error
  if (!unknownCa.has(code)) return error
  return new Error(`its certificate is of no CA that is trusted here (${code}); name the server's ca.pem: ESPALIER_CA=FILE`)
}

const unknownCa: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
])
