import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Which process listens on a TCP port of this machine, as far as /proc tells (Linux; other users' processes only for root).
 *  undefined: not known. */
export function portOwner(port: number): { readonly pid: number; readonly command: string } | undefined {
  const sockets = new Set([...listeners('/proc/net/tcp', port), ...listeners('/proc/net/tcp6', port)])
  if (sockets.size === 0) return undefined
  for (const pid of numbers('/proc')) {
    if (!descriptors(pid).some(link => sockets.has(link))) continue
    return { pid, command: commandOf(pid) }
  }
  return undefined
}

/** State 0A is LISTEN (proc_net_tcp in the kernel's documentation); column 9 is the inode. */
function listeners(table: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return read(table)
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .filter(columns => columns[1]?.endsWith(`:${hex}`) && columns[3] === '0A')
    .map(columns => `socket:[${columns[9]}]`)
}

function descriptors(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(fd => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`)
      } catch {
        return '' // closed meanwhile
      }
    })
  } catch {
    return [] // gone, or another user's
  }
}

function commandOf(pid: number): string {
  const words = read(`/proc/${pid}/cmdline`).split('\0').filter(Boolean)
  return words.join(' ').slice(0, 120) || read(`/proc/${pid}/comm`).trim()
}

function numbers(dir: string): number[] {
  try {
    return readdirSync(dir)
      .filter(name => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
