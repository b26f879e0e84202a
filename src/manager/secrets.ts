import { join } from 'node:path'
import { secretIn } from './secret-file.ts'
import { openToken, type Token } from './token.ts'

/** The two secrets of the embedded default, made at the first start, each in a file of its own (0600): `token` for the HTTP API,
 *  `manager-secret` for the MQTT user `_manager` (CLI pub and sub). Never logged, never in argv. */
export interface Secrets {
  readonly token: Token
  readonly managerSecret: string
}

/** Reads the secrets of a data directory, makes those that are missing. */
export const openSecrets = async (data: string): Promise<Secrets> => ({
  token: await openToken(data),
  managerSecret: await secretIn(join(data, 'manager-secret')),
})
