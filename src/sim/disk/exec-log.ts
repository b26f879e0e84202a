import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import type { ExecLine } from '../virtual-node.ts'

/** The witness of executions: one JSON line each, on disk before the call returns. Throws when the file can't be written, because
 *  a node without its witness must not go on executing. */
export function openExecLog(path: string): { write(line: ExecLine): void; close(): void } {
  const file = openSync(path, 'a', 0o600)
  return {
    write(line) {
      writeSync(file, `${JSON.stringify(line)}\n`)
      fsyncSync(file)
    },
    close: () => closeSync(file),
  }
}
