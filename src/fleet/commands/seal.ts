import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { CommandView } from '../../api/commands.ts'
import { hasSecrets, withoutSecrets } from '../../contract/secrets.ts'

/** Secrets of a command that waits, as the records have them: AES-256-GCM, so that no file of the store (which keeps overwritten values
 *  for a while) holds one in clear. Whoever has the key's file as well can read them; the key is not in the store. */
export interface CommandSeal {
  /** As it is written down. */
  close(command: CommandView): StoredCommand
  /** As it was; null: sealed with another key. */
  open(stored: StoredCommand): CommandView | null
}

export type StoredCommand = CommandView & {
  /** `params.network`, encrypted: nonce, tag, text; base64. */
  readonly sealed?: string
}

const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

export function createCommandSeal(secret: string | Uint8Array, random: (bytes: Uint8Array) => void): CommandSeal {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'espalier commands', 32))
  return {
    close(command) {
      if (!hasSecrets(command.params)) return command
      const nonce = Buffer.alloc(nonceBytes)
      random(nonce)
      const encrypt = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(command.id))
      const text = Buffer.concat([encrypt.update(JSON.stringify(command.params.network)), encrypt.final()])
      const sealed = Buffer.concat([nonce, encrypt.getAuthTag(), text]).toString('base64')
      return { ...command, params: withoutSecrets(command.params), sealed }
    },
    open({ sealed, ...command }) {
      if (sealed === undefined) return command
      const bytes = Buffer.from(sealed, 'base64')
      try {
        const decrypt = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes)).setAAD(Buffer.from(command.id))
        decrypt.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
        const text = Buffer.concat([decrypt.update(bytes.subarray(nonceBytes + tagBytes)), decrypt.final()])
        return { ...command, params: { ...command.params, network: JSON.parse(text.toString()) } }
      } catch {
        return null
      }
    },
  }
}
