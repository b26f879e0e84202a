/** Every number of the wire contract, once. Generated from here: contract/schema, contract.gen.h, docs/reference/wire.md. */
export const limits = {
  /** Bytes of a telemetry payload (§2). */
  telemetryBytes: 65_536,
  /** Bytes of a whole MQTT packet after CONNECT; over that the connection is closed (§2). */
  packetBytes: 66_560,
  /** Bytes before CONNECT is complete (broker.md rule 5). */
  connectBytes: 8_192,
  /** Bytes of a payload manager → node as published (§1). */
  commandBytes: 2_048,
  statusBytes: 4_096,
  ackBytes: 4_096,
  logBytes: 1_024,
  receiptBytes: 512,
  receiptEntries: 8,
  brokerStatusBytes: 1_024,
  /** JSON nesting; the top-level object is depth 1 (§2). */
  depth: 8,
  sensors: 64,
  readings: 256,
  /** Different sensor names in a node's life (`column_limit`). */
  sensorNamesPerNode: 128,
  /** Seconds ahead of the manager's clock (`timestamp_in_future`). */
  futureS: 300,
  /** 2020-01-01T00:00:00Z in Unix seconds (`timestamp_too_old`). */
  oldestTimestampS: 1_577_836_800,
  /** At or above this a timestamp is in milliseconds (`timestamp_in_ms`). */
  timestampMsFrom: 1e11,
  /** Raw bytes kept of a reject, and how many rejects. */
  rejectRawBytes: 4_096,
  rejectsKept: 10_000,
  rejectsKeptBytes: 64 * 1024 * 1024,
  commandExpiresDefaultS: 300,
  commandExpiresMaxS: 604_800,
  /** Commands sent and unfinished a node; more wait as queued. */
  commandsInFlight: 8,
  commandsQueued: 100,
  /** Command ids a node remembers over reboots. */
  commandsRemembered: 32,
  topicBytes: 256,
  topicLevels: 8,
  uint32Max: 4_294_967_295,
} as const
