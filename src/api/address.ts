import type { Endpoint } from './run.ts'

/** The base URL of the HTTP API. An address that means "all" is reached over loopback.
 *
 *  It stands apart from the schemas, because every command of the CLI needs it: loading typebox takes four times as long as all the
 *  rest of a short command (measured: 370 files, 409 ms of CPU against 100). */
export function baseUrl(http: Endpoint): string {
  const host = http.host === '0.0.0.0' || http.host === '::' ? '127.0.0.1' : http.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${http.port}`
}
