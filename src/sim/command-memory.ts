import { limits } from '../contract/limits.ts'

export type FinalState = 'done' | 'failed' | 'rejected' | 'expired'
export type AckState = 'accepted' | 'running' | FinalState

/** What an ack says about a command, without node and time. */
export interface AckBody {
  readonly id: string | null
  readonly command: string
  readonly state: AckState
  readonly result?: unknown
  readonly error?: { readonly code: string; readonly message: string }
}

/** A command id the node remembers over reboots. `final` null: begun and not finished. */
export interface Remembered {
  readonly id: string
  readonly command: string
  /** CRC32 of command and params as received. */
  readonly crc: number
  readonly final: AckBody | null
  /** The final ack has had its PUBACK. */
  readonly delivered: boolean
}

/** Everything of a node that survives its reboots. */
export interface NodeFlash {
  readonly commands: readonly Remembered[]
  /** null until a broker has said whether it sends receipts. */
  readonly keep: 'puback' | 'receipt' | null
  readonly config: NodeConfig
}

export interface NodeConfig {
  readonly rev: number
  readonly intervalS: number | null
  /** Safe value of each output, 0 to 1. */
  readonly safe: Readonly<Record<string, number>>
  /** Seconds without a broker after which the outputs go to their safe state. */
  readonly safeAfterS: number
}

export const blankFlash: NodeFlash = { commands: [], keep: null, config: { rev: 0, intervalS: null, safe: {}, safeAfterS: 300 } }

/** Where a node's flash is kept. `save` returns when it is durable. */
export interface FlashStore {
  load(): NodeFlash | null
  save(flash: NodeFlash): void
}

/** A store that lives as long as the process. */
export function memoryFlash(): FlashStore {
  let kept: NodeFlash | null = null
  return { load: () => kept, save: flash => void (kept = flash) }
}

/** Makes room for one more id: the oldest final one goes, never one that runs. undefined: all 32 run, the node is busy. */
export function withRoom(commands: readonly Remembered[]): readonly Remembered[] | undefined {
  if (commands.length < limits.commandsRemembered) return commands
  const oldestFinal = commands.findIndex(c => c.final !== null)
  return oldestFinal < 0 ? undefined : commands.toSpliced(oldestFinal, 1)
}

/** At boot nothing runs any more: what had begun was cut off, except a reboot, which is what just happened. */
export function afterBoot(commands: readonly Remembered[]): readonly Remembered[] {
  return commands.map(c => {
    if (c.final !== null) return c
    const final: AckBody =
      c.command === 'reboot'
        ? { id: c.id, command: c.command, state: 'done' }
        : {
            id: c.id,
            command: c.command,
            state: 'failed',
            error: { code: 'interrupted', message: 'the node restarted while it ran; it is not run again' },
          }
    return { ...c, final, delivered: false }
  })
}
