import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { blankFlash, type FlashStore, type NodeFlash } from '../command-memory.ts'

/** A virtual node's flash as a file, `DIR/<id>.json`: replaced as a whole and synced, so it is the old or the new one. What can't
 *  be read counts as blank, as on a board whose flash was erased. */
export function flashFile(dir: string, id: string): FlashStore {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const path = join(dir, `${id}.json`)
  return {
    load() {
      try {
        const read = JSON.parse(readFileSync(path, 'utf8')) as Partial<NodeFlash>
        return Array.isArray(read.commands) && read.config ? { ...blankFlash, ...read } : null
      } catch {
        return null
      }
    },
    save(flash) {
      writeSynced(`${path}.new`, JSON.stringify(flash))
      renameSync(`${path}.new`, path)
      syncFolder(dirname(path))
    },
  }
}

function writeSynced(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
