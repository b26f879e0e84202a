#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs'
import { runCli } from './run.ts'

/** cli: words of a command line in, a result on stdout and an exit code out. It asks the server over HTTP (pub and sub over MQTT)
 *  and starts it with `up`; it never opens a data directory that a server may hold, and prints no secret but the page's token. */
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

// Tokens and passwords are in this memory: whatever the limits allow, a core file has none of it (core(5)).
try {
  writeFileSync('/proc/self/coredump_filter', '0')
} catch {
  // Another system, which has no such file.
}

const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // The second one is from somebody who does not want to wait.
    if (ending.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
    ending.abort(signal)
  })

// `espalier watch | head` ends when nobody reads any more.
process.stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1))

async function askHere(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question, { signal: ending.signal })
  } catch {
    return '' // Ctrl-C or Ctrl-D instead of an answer
  } finally {
    lines.close()
  }
}

const exit = await runCli(process.argv.slice(2), version, {
  env: process.env,
  streams: {
    write: text => void process.stdout.write(text),
    writeBytes: piece =>
      new Promise((resolve, reject) => process.stdout.write(piece, error => (error ? reject(error) : resolve()))),
    writeError: text => void process.stderr.write(text),
    terminal: process.stdout.isTTY === true,
    errorTerminal: process.stderr.isTTY === true,
  },
  nowMs: Date.now,
  ask: process.stdin.isTTY ? askHere : null,
  ended: ending.signal,
})
// Not process.exit: what is written to a pipe must get there first.
process.exitCode = exit
// But who was told to end does, although a disk that hangs never answers.
if (ending.signal.aborted) setTimeout(() => process.exit(exit), 200).unref()
