import { existsSync, readdirSync } from 'node:fs'

/** A process with a wall clock of the test's choice, by Debian's libfaketime. Timers and the monotonic clock go on as they are. */
const library = (() => {
  const root = '/usr/lib'
  if (!existsSync(root)) return null
  const candidates = readdirSync(root).map(dir => `${root}/${dir}/faketime/libfaketimeMT.so.1`)
  return candidates.find(path => path.includes(process.arch === 'arm64' ? 'aarch64' : 'x86_64') && existsSync(path)) ?? null
})()

export const hasFaketime = library !== null

/** Stands still at `seconds` (Unix). */
export const frozenAt = (seconds: number): Record<string, string> => faked(inWords(seconds))

/** Starts at `seconds` (Unix) and runs on. */
export const runningFrom = (seconds: number): Record<string, string> => faked(`@${inWords(seconds)}`)

/** Every clock, the monotonic one too, goes so many times faster; what waits for a file or a socket does not wait less. */
export const hurried = (times: number): Record<string, string> => ({ LD_PRELOAD: here(), FAKETIME: `+0 x${times}` })

function faked(time: string): Record<string, string> {
  return { LD_PRELOAD: here(), FAKETIME: time, FAKETIME_DONT_FAKE_MONOTONIC: '1', TZ: 'UTC' }
}

function here(): string {
  if (library === null) throw new Error('libfaketime is not installed')
  return library
}

const inWords = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')
