import { existsSync } from 'node:fs'
import { mkdir, open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BadBackup, type Contents } from './format.ts'
import { lockData } from './lock.ts'
import { type Part, readBackup } from './read.ts'
import { readPieces } from './sources.ts'
import { awayOf, besideOf, checkSwappable, finishRestore, markWhole, realData, removeBeside, swapIn } from './swap.ts'
import { syncTree, type Unpacking, unpackInto } from './unpack.ts'

/** A backup that was read to its end with nothing wrong. */
export interface Checked {
  readonly contents: Contents
  readonly bytes: number
  readonly sha256: string
}

/** Reads all of a file and checks it. Throws BadBackup; changes nothing. */
export const checkBackup = (file: string): Promise<Checked> => through(file, null)

/** Only what the backup says of itself in front; not checked further. Throws BadBackup. */
export async function contentsOfBackup(file: string): Promise<Contents> {
  for await (const part of readBackup(readPieces(file))) if (part.kind === 'contents') return part.contents
  throw new BadBackup('damaged', 'the backup is damaged: it ends before its contents')
}

export interface RestoreOptions {
  readonly file: string
  readonly data: string
  readonly wallMs: () => number
  /** Called behind each step that a power cut may follow. */
  readonly step?: Step
}

type Step = (name: string) => void | Promise<void>

export interface Restored extends Checked {
  /** Where the data that was there before is now; null: there was none. */
  readonly before: string | null
}

/** Not enough room for what is in the backup. Nothing was changed. */
export class NoRoom extends Error {
  constructor(needs: number, free: number, where: string) {
    super(`the backup needs ${inMb(needs)} MB, ${where} has ${inMb(free)} MB free; nothing was changed`)
    this.name = 'NoRoom'
  }
}

/** Puts a backup in the place of a data directory: unpacks it beside, checks every byte on the way, syncs, and only then swaps. Until
 *  then, and after every error, the data directory is as it was. Rejects with RecordsLocked (it is in use), BadBackup, IsMountPoint,
 *  NoRoom, or the system's error. */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { file, wallMs, step = () => undefined } = options
  await finishRestore(options.data)
  const data = await realData(options.data)
  const unlock = await lockData(data)
  try {
    await mkdir(dirname(data), { recursive: true })
    await checkSwappable(data)
    const checked = await unpacked(file, data, wallMs(), step)
    await step('whole')
    const away = awayOf(data, wallMs())
    const before = await swapIn(data, away, step).catch(async error => {
      if (existsSync(data) || !existsSync(away)) await removeBeside(data) // else it is all there is: the next start moves it in
      throw error
    })
    return { ...checked, before }
  } finally {
    await unlock()
  }
}

async function unpacked(file: string, data: string, restored: number, step: Step): Promise<Checked> {
  const beside = besideOf(data)
  await (await open(file, 'r')).close() // before anything is made
  await removeBeside(data) // of a restore that was cut off
  await mkdir(beside, { recursive: true, mode: 0o700 })
  await step('begun')
  const unpacking = unpackInto(beside)
  try {
    const checked = await through(file, unpacking, contents => haveRoom(contents, beside))
    await step('unpacked')
    await syncTree(beside)
    await step('synced')
    const { espalier, created } = checked.contents
    await markWhole(beside, { restored, backup: file, sha256: checked.sha256, created, espalier })
    return checked
  } catch (error) {
    await unpacking.giveUp()
    await removeBeside(data)
    throw error
  }
}

async function haveRoom({ entries }: Contents, where: string): Promise<void> {
  const needs = entries.reduce((sum, entry) => sum + (entry.bytes ?? 0), 0)
  const { bavail, bsize } = await statfs(where)
  if (needs > bavail * bsize) throw new NoRoom(needs, bavail * bsize, dirname(where))
}

async function through(
  file: string,
  unpacking: Unpacking | null,
  first: (contents: Contents) => Promise<void> = async () => undefined,
): Promise<Checked> {
  let contents: Contents | null = null
  for await (const part of readBackup(readPieces(file))) {
    if (part.kind === 'contents') {
      contents = part.contents
      await first(contents)
    } else if (part.kind === 'whole') return { contents: contents!, bytes: part.bytes, sha256: part.sha256 }
    else if (unpacking !== null) await unpack(unpacking, part)
  }
  throw new BadBackup('damaged', 'the backup is damaged: it has no end')
}

function unpack(unpacking: Unpacking, part: Exclude<Part, { kind: 'contents' | 'whole' }>): Promise<void> {
  if (part.kind === 'bytes') return unpacking.bytes(part.entry, part.bytes)
  return part.kind === 'zeros' ? unpacking.zeros(part.entry, part.count) : unpacking.entryEnd(part.entry)
}

const inMb = (bytes: number): string => Math.ceil(bytes / 1e6).toLocaleString('en')
