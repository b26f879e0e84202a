import { type Static, Type } from 'typebox'
import { nodeIdPattern } from './topics.ts'

/** How a node gets to its broker, and whose updates it trusts: what is said to it over the cable, written into its flash, and in part
 *  changed by `configure`'s `network`. The firmware reads it in firmware/lib/espalier/src/settings_read.cpp, with the same bounds. */
const closed = { additionalProperties: false }

const WifiSettings = Type.Object(
  {
    ssid: Type.String({ maxLength: 32, description: 'at most 32 bytes; empty: a board on a cable' }),
    password: Type.Optional(Type.String({ maxLength: 64, description: '8 to 64 bytes; empty or absent: an open network' })),
  },
  closed,
)

const BrokerSettings = Type.Object(
  {
    url: Type.Optional(Type.String({ pattern: '^mqtts?://', description: 'mqtt(s)://host[:port]' })),
    user: Type.Optional(Type.String({ maxLength: 32 })),
    password: Type.Optional(Type.String({ maxLength: 128 })),
    ca: Type.Optional(Type.String({ description: 'PEM, at most 1,535 bytes' })),
    cert: Type.Optional(Type.String({ description: 'PEM, at most 1,535 bytes' })),
    key: Type.Optional(Type.String({ description: 'PEM, at most 511 bytes' })),
  },
  closed,
)

/** What may be changed from afar: tried beside what is good, and given up if it leads nowhere. */
export const NetworkSettings = Type.Object({ wifi: Type.Optional(WifiSettings), broker: Type.Optional(BrokerSettings) }, closed)
export type NetworkSettings = Static<typeof NetworkSettings>

export const ProvisioningDocument = Type.Object(
  {
    id: Type.String({ pattern: nodeIdPattern.source }),
    wifi: Type.Optional(WifiSettings),
    broker: Type.Optional(BrokerSettings),
    update_key: Type.Optional(Type.String({ description: 'public key of updates: SubjectPublicKeyInfo, DER, base64' })),
  },
  closed,
)
export type ProvisioningDocument = Static<typeof ProvisioningDocument>
