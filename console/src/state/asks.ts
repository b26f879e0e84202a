import type { AlertChannelView, AlertRuleView, AlertView, ChannelTest, Silence } from '../../../src/api/alerts.ts'
import type { AuditEntry } from '../../../src/api/audit.ts'
import type { ConnectInfo, Credential, IdentityView, NodeAddition, NodeRotation } from '../../../src/api/identities.ts'
import type { MessageView } from '../../../src/api/messages.ts'
import type { NodeView } from '../../../src/api/nodes.ts'
import { type QueryValue, requester } from '../../../src/api/request.ts'
import type { BackupView, DoctorReport, MachineView, ReloadResult, SettingView } from '../../../src/api/settings.ts'

/** What single pages ask for, beside the client's functions that the whole console lives on. */
const api = requester({ url: '' })
const items = async <T>(path: string, query: Record<string, QueryValue> = {}): Promise<T[]> =>
  (await api.get<{ items: T[] }>(path, query)).items
const nodePath = (id: string, verb: string) => `/api/nodes/${encodeURIComponent(id)}/${verb}`

export const asks = {
  messages: (query: { node?: string; verdict?: string; limit?: number } = {}) => items<MessageView>('/api/messages', query),
  identities: () => items<IdentityView>('/api/identities', { limit: 1000 }),
  connect: () => api.get<ConnectInfo>('/api/connect'),
  addNode: (addition: NodeAddition) => api.write<Credential>('POST', '/api/nodes', addition),
  rotate: (id: string, rotation: NodeRotation = {}) => api.write<Credential>('POST', nodePath(id, 'rotate'), rotation),
  revoke: (id: string) => api.write<unknown>('POST', nodePath(id, 'revoke')),
  claim: (id: string) => api.write<NodeView>('POST', nodePath(id, 'claim')),
  alerts: () => items<AlertView>('/api/alerts'),
  alertRules: () => items<AlertRuleView>('/api/alerts/rules'),
  alertChannels: () => items<AlertChannelView>('/api/alerts/channels'),
  silence: (silence: Silence) => api.write<unknown>('POST', '/api/alerts/silences', silence),
  testChannel: (name: string) => api.write<ChannelTest>('POST', `/api/alerts/channels/${encodeURIComponent(name)}/test`),
  audit: (limit: number) => items<AuditEntry>('/api/audit', { limit }),
  settings: () => items<SettingView>('/api/settings'),
  doctor: () => api.get<DoctorReport>('/api/doctor'),
  machine: () => api.get<MachineView>('/api/machine'),
  reload: () => api.write<ReloadResult>('POST', '/api/config/reload'),
  rotateToken: () => api.write<{ token: string }>('POST', '/api/token/rotate'),
  backups: () => items<BackupView>('/api/backups'),
  backupNow: () => api.write<BackupView>('POST', '/api/backups'),
}
