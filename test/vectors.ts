import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Loads contract/vectors (its README.md defines the format) for every suite that runs them: the reference decoder, the fast
 *  decoder, the running process. */
const folder = fileURLToPath(new URL('../contract/vectors', import.meta.url))

export interface ExpectedPoint {
  /** Unix ms, or the time of its arrival. */
  readonly time: number | 'arrival'
  readonly fields: Readonly<Record<string, number>>
  readonly boot: number | null
  readonly seq: number | null
}

export interface ExpectedReject {
  readonly reason: string
  readonly indices: readonly number[]
  readonly count: number
  readonly raw?: string
  readonly raw_bytes?: number
  readonly truncated?: boolean
}

export interface ExpectedReadings {
  readonly points: readonly ExpectedPoint[]
  readonly settled?: readonly { readonly time: number | 'arrival'; readonly boot: number | null; readonly seq: number | null }[]
  readonly rejects?: readonly ExpectedReject[]
  readonly ignored_keys?: number
  readonly null_values?: number
  readonly oldest?: { readonly boot: number; readonly seq: number } | null
}

export interface ExpectedRejection {
  readonly rejected: string
  /** The readings it settles; absent: none. */
  readonly settles?: { readonly boot: number; readonly seqs: readonly number[] }
  readonly ignored_keys?: number
  readonly oldest?: { readonly boot: number; readonly seq: number }
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

export type Expectation =
  | ExpectedReadings
  | ExpectedRejection
  | { readonly status: JsonObject | null }
  | { readonly status_keys: readonly string[] }
  | { readonly ack: JsonObject }
  | { readonly ack_keys: readonly string[] }
  | { readonly log: JsonObject }
  | { readonly command: JsonObject; readonly error: string | null }
  | { readonly receipts: readonly JsonObject[] }
  | { readonly ignored: true }

export type VectorKind = 'telemetry' | 'status' | 'ack' | 'log' | 'command' | 'receipt'

export interface Vector {
  /** Folder and file without `.json`: `telemetry/example`. */
  readonly id: string
  readonly kind: VectorKind
  readonly name: string
  readonly topic: string
  /** Wall clock at arrival, Unix seconds. */
  readonly now: number
  readonly clockSuspect: boolean
  /** The PUBLISH's own RETAIN flag. */
  readonly retain: boolean
  /** The verdict holds only at `now`: a later clock would judge otherwise. */
  readonly needsClock: boolean
  readonly payload: Uint8Array
  readonly expect: Expectation
}

export interface StreamStep {
  readonly topic: string
  readonly now: number
  readonly retain: boolean
  /** Delivered by a subscription with the retain flag. */
  readonly replay: boolean
  readonly payload: Uint8Array
}

export interface StreamReject {
  readonly node: string | null
  readonly reason: string
  readonly count: number
  readonly indices: readonly number[] | null
}

export interface StreamNode {
  readonly duplicates?: number
  readonly ignored_keys?: number
  readonly null_values?: number
  readonly ledger?: {
    readonly expected: number
    readonly stored: number
    readonly duplicates: number
    readonly rejected: number
    readonly missing: number
    readonly lost: number
  }
  readonly receipts?: readonly JsonObject[]
}

export interface StreamVector {
  readonly id: string
  readonly name: string
  /** What has to be there before the first step. */
  readonly given: { readonly removed?: readonly string[]; readonly readings_per_s?: number; readonly broker?: boolean }
  readonly steps: readonly StreamStep[]
  readonly expect: {
    /** Rows of the store by (time, node). */
    readonly rows: readonly (ExpectedPoint & { readonly node: string; readonly time: number })[]
    /** Kept rejects, oldest first. */
    readonly rejects: readonly StreamReject[]
    readonly nodes: Readonly<Record<string, StreamNode>>
  }
}

const kinds: readonly VectorKind[] = ['telemetry', 'status', 'ack', 'log', 'command', 'receipt']

/** All single-message vectors, by id. */
export function loadVectors(only: readonly VectorKind[] = kinds): Vector[] {
  return only.flatMap(kind => filesOf(kind).map(file => vectorOf(kind, file)))
}

/** All sequences, by id. */
export function loadStreams(): StreamVector[] {
  return filesOf('stream').map(({ id, json }) => ({
    id,
    name: json['name'],
    given: json['given'] ?? {},
    steps: json['steps'].map((step: RawCase) => ({
      topic: step['topic'],
      now: step['now'],
      retain: step['retain'] ?? false,
      replay: step['replay'] ?? false,
      payload: payloadOf(step),
    })),
    expect: json['expect'],
  }))
}

/** The same message from another node, for suites that send many vectors to one process. `id` must be as long as the vector's own
 *  (two characters in nearly all), so that no border of size moves. */
export function withNode(vector: Vector, id: string): Vector {
  const own = /^iot\/node\/([^/]*)\//.exec(vector.topic)?.[1] ?? ''
  if (own.length !== id.length) throw new Error(`${vector.id} is of node ${own}, ${id} is not as long`)
  const payload = Buffer.from(vector.payload)
  const [from, to] = [Buffer.from(`node_${own}`), Buffer.from(`node_${id}`)]
  for (let at = payload.indexOf(from); at >= 0; at = payload.indexOf(from, at + 1)) to.copy(payload, at)
  return { ...vector, topic: vector.topic.replace(`/${own}/`, `/${id}/`), payload }
}

type RawCase = Record<string, any>

function filesOf(kind: string): { id: string; json: RawCase }[] {
  const names = readdirSync(`${folder}/${kind}`).filter(name => name.endsWith('.json'))
  return names.sort().map(name => ({
    id: `${kind}/${name.slice(0, -'.json'.length)}`,
    json: JSON.parse(readFileSync(`${folder}/${kind}/${name}`, 'utf8')),
  }))
}

function vectorOf(kind: VectorKind, { id, json }: { id: string; json: RawCase }): Vector {
  return {
    id,
    kind,
    name: json['name'],
    topic: json['topic'],
    now: json['now'],
    clockSuspect: json['clock_suspect'] ?? false,
    retain: json['retain'] ?? false,
    needsClock: json['needs_clock'] ?? false,
    payload: payloadOf(json),
    expect: json['expect'],
  }
}

function payloadOf(json: RawCase): Uint8Array {
  if (typeof json['payload'] === 'string') return Buffer.from(json['payload'])
  if (typeof json['payload_base64'] === 'string') return Buffer.from(json['payload_base64'], 'base64')
  const parts = json['payload_parts'] as (string | { base64: string } | { repeat: string; times: number })[]
  return Buffer.concat(
    parts.map(part => {
      if (typeof part === 'string') return Buffer.from(part)
      return 'base64' in part ? Buffer.from(part.base64, 'base64') : Buffer.from(part.repeat.repeat(part.times))
    }),
  )
}
