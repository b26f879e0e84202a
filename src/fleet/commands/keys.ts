import { scryptSync } from 'node:crypto'
import type { CommandRequest } from '../../api/commands.ts'
import { hasSecrets, withoutSecrets } from '../../contract/secrets.ts'
import type { Change } from '../../store/records.ts'

/** Idempotency keys: a request that is sent again under its key gets the command of the first time. Scope the node, kept 24 h and
 *  over restarts (interface.md, POST commands). */
export const keyKeptMs = 24 * 3_600_000
export const keyMaxLength = 255
export const keysCollection = 'command_keys'

export interface KeptKey {
  readonly node: string
  readonly id: string
  /** The request in canonical JSON; one with secrets as what tells it from others. */
  readonly body: string
  readonly time: number
}

export class CommandKeys {
  readonly #kept = new Map<string, KeptKey>()
  readonly #ids = new Set<string>()

  load(name: string, kept: KeptKey): void {
    this.#kept.set(name, kept)
    this.#ids.add(kept.id)
  }

  /** What this key stands for; one older than 24 h counts as unused, also while it still waits to be removed. */
  find(node: string, key: string, now: number): KeptKey | undefined {
    const kept = this.#kept.get(keyName(node, key))
    return kept !== undefined && !isOver(kept, now) ? kept : undefined
  }

  holds(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Forgets those that are over, and all of a node that was removed. Answers with what to remove from the records. */
  drop(now: number, node?: string): Change[] {
    const changes: Change[] = []
    for (const [name, kept] of this.#kept) {
      if (!isOver(kept, now) && kept.node !== node) continue
      this.#kept.delete(name)
      this.#ids.delete(kept.id)
      changes.push({ collection: keysCollection, key: name, remove: true })
    }
    return changes
  }
}

const isOver = (kept: KeptKey, now: number): boolean => now - kept.time >= keyKeptMs

/** A node id has no slash, so the first one divides. */
export const keyName = (node: string, key: string): string => `${node}/${key}`

/** The same request gives the same text, whatever the order of its keys. Of secrets it holds only what it takes long to guess from. */
export function canonicalBody(request: CommandRequest, node: string): string {
  const params = request.params ?? {}
  if (!hasSecrets(params)) return canonical(request)
  const proof = scryptSync(canonical(request), `${node} ${request.command}`, 32).toString('base64')
  return `${canonical({ ...request, params: withoutSecrets(params) })} ${proof}`
}

const canonical = (request: CommandRequest): string =>
  JSON.stringify([request.command, request.params ?? {}, request.expires ?? null], (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
