import { type Static, Type } from 'typebox'
import { Nullable } from './shapes.ts'

/** Where a listener can be reached; `host` is the address it is bound to. */
export const Endpoint = Type.Object({ host: Type.String(), port: Type.Integer({ minimum: 0, maximum: 65_535 }) })
export type Endpoint = Static<typeof Endpoint>

/** How the manager reaches an external broker (null: its own), for tools on this machine: names of files, never a secret. */
export const BrokerAccess = Type.Object({
  url: Type.String(),
  user: Nullable(Type.String()),
  password_file: Nullable(
    Type.String({ description: 'null: the password, if there is one, is in ESPALIER_BROKER_PASSWORD alone' }),
  ),
  ca: Nullable(Type.String()),
  cert: Nullable(Type.String()),
  key: Nullable(Type.String()),
})
export type BrokerAccess = Static<typeof BrokerAccess>

/** DATA/run.json: what runs in this data directory and where it listens. Written when everything listens, removed at exit; the
 *  CLI takes URL and MQTT address from it. `started` is Unix milliseconds. */
export const RunInfo = Type.Object({
  pid: Type.Integer(),
  version: Type.String(),
  mqtt: Endpoint,
  mqtts: Nullable(Endpoint),
  http: Endpoint,
  https: Nullable(Endpoint),
  broker: Nullable(BrokerAccess),
  started: Type.Integer(),
})
export type RunInfo = Static<typeof RunInfo>
