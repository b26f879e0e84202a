import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type FirmwareKeys, KeyAway, type OpenedKey } from '../fleet/fleet.ts'
import { replaceFile } from '../kit/durable-file.ts'
import { BadKey, makeSigningKeyIn, signingKeyIn } from '../kit/signing-key.ts'

/** Where the private key is unless `firmware.key` names another place. */
export const ownFirmwareKey = (data: string): string => join(data, 'keys', 'firmware.pem')

/** The key that signs firmware, in a file, and beside the data its public half: with it a USB stick that is not plugged in is told from
 *  a place where there never was a key, and nobody gets a second one by mistake. It is read at each use: people move it. */
export function openFirmwareKeys(data: string, configured: () => string | null, onMade: (file: string) => void): FirmwareKeys {
  const publicFile = join(data, 'keys', 'firmware.pub')
  const known = async (): Promise<string | null> => {
    const text = await readFile(publicFile, 'utf8').catch(ifMissing)
    return text === null || text.trim() === '' ? null : text.trim()
  }
  const keep = async (publicKey: string): Promise<void> => {
    await mkdir(dirname(publicFile), { recursive: true, mode: 0o700 })
    await replaceFile(publicFile, `${publicKey}\n`)
  }

  async function open(): Promise<OpenedKey> {
    const file = configured() ?? ownFirmwareKey(data)
    const before = await known()
    const key = await signingKeyIn(file)
    if (key !== null) {
      if (key.publicKey !== before) await keep(key.publicKey)
      return { publicKey: key.publicKey, sign: key.sign, made: null }
    }
    if (before !== null) return { publicKey: before, sign: null, made: null }
    const made = await makeSigningKeyIn(file)
    await keep(made.publicKey)
    onMade(file)
    return { publicKey: made.publicKey, sign: made.sign, made: file }
  }

  /** Two first uses at once make one key. */
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }

  return {
    exists: async () =>
      (await known()) !== null || (await signingKeyIn(configured() ?? ownFirmwareKey(data)).catch(asKeyAway)) !== null,
    open: () => inTurn(() => open().catch(asKeyAway)),
    adopt: publicKey =>
      inTurn(async () => {
        const there = (await known()) ?? (await signingKeyIn(configured() ?? ownFirmwareKey(data)).catch(asKeyAway))
        if (there === null) await keep(publicKey)
      }),
  }
}

const ifMissing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null
  throw error
}

function asKeyAway(error: Error): never {
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof BadKey) throw new KeyAway(error.message)
  if (code !== undefined) throw new KeyAway(`the key that signs firmware can't be read or made: ${error.message}`)
  throw error
}
