import { readFileSync } from 'node:fs'

/** Memory of a process that lies in RAM (Linux: VmRSS), bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line![1]) * 1024
}
