import { join } from 'node:path'
import { freshSecretIn, secretIn } from './secret-file.ts'

/** The token of page and API (DATA/token). */
export interface Token {
  current(): string
  /** A new one counts from the moment it is on disk; whoever subscribed then ends what the old one opened. */
  rotate(): Promise<string>
  onRotate(end: () => void): () => void
}

export async function openToken(data: string): Promise<Token> {
  const file = join(data, 'token')
  let current = await secretIn(file)
  const listeners = new Set<() => void>()
  return {
    current: () => current,
    async rotate() {
      current = await freshSecretIn(file)
      for (const end of listeners) end()
      return current
    },
    onRotate(end) {
      listeners.add(end)
      return () => void listeners.delete(end)
    },
  }
}

/** Without a server: the next one starts with the new token. */
export const rotateTokenFile = (data: string): Promise<string> => freshSecretIn(join(data, 'token'))
