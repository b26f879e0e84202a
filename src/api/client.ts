import type { AlertChannelView, AlertRuleView, AlertState, AlertView, ChannelTest, Silence } from './alerts.ts'
import type { AuditEntry } from './audit.ts'
import type { BrokerView } from './broker.ts'
import type { CommandRequest, CommandState, CommandView } from './commands.ts'
import type { ConformanceRun } from './conformance.ts'
import type { DemoOutage, DemoStop } from './demo.ts'
import { type After, type EventsOptions, readEvents } from './event-reader.ts'
import type { ApiEvent } from './events.ts'
import type { ExportFormat } from './export.ts'
import type { FirmwareAdded, FirmwareKey, FirmwareUpload, FirmwareView, UpdateRequest } from './firmware.ts'
import type { Health } from './health.ts'
import type { ConnectInfo, Credential, IdentityView, NodeAddition, NodeRotation } from './identities.ts'
import type { LedgerReport } from './ledger.ts'
import type { LogLine, MessageView, Verdict } from './messages.ts'
import type { NodeDetail, NodePatch, NodeView } from './nodes.ts'
import type { ReadingsView } from './readings.ts'
import type { RejectCounts, RejectView } from './rejects.ts'
import { type ClientOptions, type QueryValue, queryString, type Requester, requester } from './request.ts'
import type { BackupView, DoctorReport, MachineView, ReloadResult, SettingView, TokenRotation } from './settings.ts'

export type { EventsOptions } from './event-reader.ts'
export { ApiError, type ClientOptions, Unreachable } from './request.ts'

export interface ExportRequest {
  readonly node?: readonly string[]
  readonly sensor?: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly format?: ExportFormat
  readonly rollup?: 'raw' | '1m' | '1h'
}

/** The HTTP API as functions, in Node and in the browser. Every failure is an ApiError (the server refused, with its problem) or
 *  Unreachable (nobody answered). Lists are read page by page up to `limit` items, default all (commands, rejects: 100). */
export interface Client {
  nodes(): Promise<NodeView[]>
  node(id: string): Promise<NodeDetail>
  patchNode(id: string, patch: NodePatch): Promise<NodeView>
  removeNode(id: string, history: 'keep' | 'delete'): Promise<void>
  /** The credential is in this answer and nowhere else. */
  addNode(addition: NodeAddition): Promise<Credential>
  rotateNode(id: string, rotation?: NodeRotation): Promise<Credential>
  revokeNode(id: string): Promise<IdentityView>
  claimNode(id: string): Promise<NodeView>
  identities(): Promise<IdentityView[]>
  /** Where boards find this server, and whom they trust. */
  connect(): Promise<ConnectInfo>
  readings(id: string, query?: { sensor?: readonly string[]; from?: number; to?: number; points?: number }): Promise<ReadingsView>
  /** `key`: Idempotency-Key, so that a repeated call cannot send twice. */
  send(id: string, request: CommandRequest, key?: string): Promise<CommandView>
  commands(query?: { node?: string; state?: CommandState; limit?: number }): Promise<CommandView[]>
  command(id: string): Promise<CommandView>
  cancel(id: string): Promise<CommandView>
  rejects(query?: { node?: string; reason?: string; since?: string; limit?: number }): Promise<RejectView[]>
  rejectCounts(): Promise<RejectCounts>
  alerts(query?: { state?: AlertState; node?: string; limit?: number }): Promise<AlertView[]>
  alertRules(): Promise<AlertRuleView[]>
  alertChannels(): Promise<AlertChannelView[]>
  /** Sends a test message and says what became of it. */
  testChannel(name: string): Promise<ChannelTest>
  silence(silence: Silence): Promise<void>
  /** Newest first. `action`: `node.add`, or `node` for all of nodes. */
  audit(query?: { action?: string; subject?: string; limit?: number }): Promise<AuditEntry[]>
  messages(query?: { node?: string; verdict?: Verdict; limit?: number }): Promise<MessageView[]>
  logs(id: string): Promise<LogLine[]>
  broker(): Promise<BrokerView>
  ledger(node?: string): Promise<LedgerReport[]>
  settings(): Promise<SettingView[]>
  /** Reads the configuration again, as SIGHUP does; ApiError 400 names every mistake, and then nothing changed. */
  reloadConfig(): Promise<ReloadResult>
  /** The new token, this once; null for a session. */
  rotateToken(): Promise<string | null>
  machine(): Promise<MachineView>
  doctor(): Promise<DoctorReport>
  /** Begins a run, which takes a minute and more: the node is commanded, cut off and restarted. */
  checkConformance(id: string): Promise<ConformanceRun>
  /** The latest run of a node, under way or ended; ApiError 404: there was none since the manager started. */
  conformance(id: string): Promise<ConformanceRun>
  demoStop(forget: boolean): Promise<DemoStop>
  /** `node` null: all of them. */
  demoOutage(node: string | null, seconds: number): Promise<DemoOutage>
  /** Also when the status is `down` (503). */
  health(): Promise<Health>
  /** The open response: read its body as a stream. */
  export(request: ExportRequest, signal?: AbortSignal): Promise<Response>
  /** The open response: read its body as a stream. Contains secrets. */
  backup(signal?: AbortSignal): Promise<Response>
  /** Those of the schedule, newest first. */
  backups(): Promise<BackupView[]>
  makeBackup(): Promise<BackupView>
  /** By board, the highest version first. */
  firmware(): Promise<FirmwareView[]>
  /** `make` false: ApiError 404 where there never was one. */
  firmwareKey(make: boolean): Promise<FirmwareKey>
  addFirmware(upload: FirmwareUpload, image: Uint8Array | Blob): Promise<FirmwareAdded>
  removeFirmware(sha256: string): Promise<void>
  update(id: string, request: UpdateRequest): Promise<CommandView>
  events(options?: EventsOptions): AsyncGenerator<ApiEvent, void>
  /** Browser: exchanges the token for the session cookie. */
  signIn(token: string): Promise<void>
  signOut(): Promise<void>
}

export function createClient(options: ClientOptions): Client {
  const api = requester(options)
  const nodePath = (id: string) => `/api/nodes/${encodeURIComponent(id)}`
  const commandPath = (id: string) => `/api/commands/${encodeURIComponent(id)}`
  return {
    nodes: () => list(api, '/api/nodes', {}, Number.POSITIVE_INFINITY),
    node: id => api.get(nodePath(id)),
    patchNode: (id, patch) => api.write('PATCH', nodePath(id), patch),
    removeNode: (id, history) => api.write('DELETE', nodePath(id) + queryString({ history })),
    addNode: addition => api.write('POST', '/api/nodes', addition),
    rotateNode: (id, rotation = {}) => api.write('POST', `${nodePath(id)}/rotate`, rotation),
    revokeNode: id => api.write('POST', `${nodePath(id)}/revoke`),
    claimNode: id => api.write('POST', `${nodePath(id)}/claim`),
    identities: () => list(api, '/api/identities', {}, Number.POSITIVE_INFINITY),
    connect: () => api.get('/api/connect'),
    readings: (id, query = {}) => api.get(`${nodePath(id)}/readings`, { ...query, sensor: query.sensor?.join(',') }),
    send: (id, request, key) => api.write('POST', `${nodePath(id)}/commands`, request, key ? { 'idempotency-key': key } : {}),
    commands: ({ limit = 100, ...query } = {}) => list(api, '/api/commands', query, limit),
    command: id => api.get(commandPath(id)),
    cancel: id => api.write('DELETE', commandPath(id)),
    rejects: ({ limit = 100, ...query } = {}) => list(api, '/api/rejects', query, limit),
    rejectCounts: () => api.get('/api/rejects/counts'),
    alerts: ({ limit = 100, ...query } = {}) => list(api, '/api/alerts', query, limit),
    alertRules: () => list(api, '/api/alerts/rules', {}, Number.POSITIVE_INFINITY),
    alertChannels: () => list(api, '/api/alerts/channels', {}, Number.POSITIVE_INFINITY),
    testChannel: name => api.write('POST', `/api/alerts/channels/${encodeURIComponent(name)}/test`),
    silence: silence => api.write('POST', '/api/alerts/silences', silence),
    audit: ({ limit = 100, ...query } = {}) => list(api, '/api/audit', query, limit),
    messages: ({ limit = 100, ...query } = {}) => list(api, '/api/messages', query, limit),
    logs: id => list(api, `${nodePath(id)}/logs`, {}, Number.POSITIVE_INFINITY),
    broker: () => api.get('/api/broker'),
    ledger: node => list(api, '/api/ledger', { node }, Number.POSITIVE_INFINITY),
    settings: () => api.get('/api/settings'),
    reloadConfig: () => api.write('POST', '/api/config/reload'),
    rotateToken: async () => (await api.write<TokenRotation>('POST', '/api/token/rotate')).token,
    machine: () => api.get('/api/machine'),
    checkConformance: id => api.write('POST', `${nodePath(id)}/conformance?wait=false`),
    conformance: id => api.get(`${nodePath(id)}/conformance`),
    doctor: () => api.get('/api/doctor'),
    demoStop: forget => api.write('POST', '/api/demo/stop', { forget }),
    demoOutage: (node, seconds) => api.write('POST', '/api/demo/outage', { ...(node !== null && { node }), seconds }),
    health: () => api.get('/healthz'),
    export: (request, signal) => api.open(`/api/export${queryString({ ...request })}`, signal ? { signal } : {}),
    backup: signal => api.open('/api/backup', signal ? { signal } : {}),
    backups: async () => (await api.get<{ items: BackupView[] }>('/api/backups')).items,
    makeBackup: () => api.write('POST', '/api/backups'),
    firmware: async () => (await api.get<{ items: FirmwareView[] }>('/api/firmware')).items,
    firmwareKey: make => api.get('/api/firmware/key', make ? {} : { make: 'false' }),
    addFirmware: async (upload, image) => {
      const headers = { 'content-type': 'application/octet-stream' }
      const init = { method: 'POST', headers, body: image as Uint8Array<ArrayBuffer> | Blob }
      return (await (await api.open(`/api/firmware${queryString(upload)}`, init)).json()) as FirmwareAdded
    },
    removeFirmware: sha256 => api.write('DELETE', `/api/firmware/${encodeURIComponent(sha256)}`),
    update: (id, request) => api.write('POST', `${nodePath(id)}/update`, request),
    events: eventsOptions => readEvents(api, after, eventsOptions),
    signIn: token => api.write('POST', '/api/session', { token }),
    signOut: () => api.write('DELETE', '/api/session'),
  }
}

const after: After = (ms, run) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

const pageSize = 1000

async function list<T>(api: Requester, path: string, query: Record<string, QueryValue>, limit: number): Promise<T[]> {
  const items: T[] = []
  let cursor: string | null = null
  do {
    const page: { items: T[]; next: string | null } = await api.get(path, {
      ...query,
      limit: Math.min(pageSize, limit - items.length),
      cursor,
    })
    items.push(...page.items)
    cursor = page.next
  } while (cursor !== null && items.length < limit)
  return items
}
