import { type CodeText, said } from './code-text.ts'
import { limits } from './limits.ts'
import { reservedNames } from './reserved-names.ts'

/** Every code a person or a program can meet, once, with its sentence. API, CLI, console, firmware and
 *  docs/reference/codes.md take them from here. */
export type { CodeText } from './code-text.ts'
export { type CommandErrorCode, commandErrorCodes, commandErrorDetail, commandErrors } from './command-errors.ts'
export { type NoticeReason, notices } from './notices.ts'

const seconds = 'Unix seconds'
const uint32 = `whole numbers from 0 to ${limits.uint32Max}`

/** Why a message or a reading was not stored (wire contract §2, interface "reasons"). */
export const rejects = {
  not_utf8: {
    sentence: 'The payload is not UTF-8.',
    allowed: 'JSON in UTF-8',
    mend: 'Send text, not raw structs or Latin-1; check the length given to publish().',
  },
  bad_json: {
    sentence: 'The payload is not JSON.',
    allowed: 'one JSON object, without a byte order mark',
    mend: 'Look for a truncated buffer, a missing quote, NaN, or a comma too many; a JSON library avoids all of them.',
  },
  not_object: {
    sentence: 'The payload is JSON, but not an object.',
    allowed: 'one JSON object at the top',
    mend: 'Wrap it: {"node_id":"node_01","sensors":{"temperature":22.5}}.',
  },
  too_deep: {
    sentence: 'The payload is nested too deeply.',
    allowed: `${limits.depth} levels, the top-level object being the first`,
    mend: 'Flatten it: sensors are one flat object of names and values.',
  },
  too_large: {
    sentence: 'The payload is too large.',
    allowed: `${limits.telemetryBytes} bytes`,
    mend: 'Split the batch.',
  },
  packet_too_large: {
    sentence: 'The MQTT packet is too large, so the connection was closed.',
    allowed: `${limits.packetBytes} bytes a packet`,
    mend: 'Split the batch.',
  },
  bad_topic: {
    sentence: 'The topic names no valid node.',
    allowed: 'an id of 1 to 32 letters, digits, _ or -, beginning with a letter or digit',
    mend: 'Publish to iot/node/{id}/telemetry with an id such as 01.',
  },
  node_id_missing: {
    sentence: 'The payload does not say which node it is from.',
    allowed: 'a text node_id: node_ and the id in the topic',
    mend: 'Add node_id, for example "node_id":"node_01" on iot/node/01/….',
  },
  node_id_mismatch: {
    sentence: 'The node_id in the payload is not that of the topic.',
    allowed: 'node_ and the id in the topic',
    mend: 'Make both the same; two boards with one sketch need an id each.',
  },
  bad_envelope: {
    sentence: 'The message is neither one reading nor a batch.',
    allowed: `either timestamp and sensors, or readings: a list of 1 to ${limits.readings} objects`,
    mend: 'In a batch, put timestamp and sensors into the entries of readings and nowhere else.',
  },
  bad_boot_seq: {
    sentence: 'boot, seq or oldest do not fit together.',
    allowed: `boot and seq both or neither, ${uint32} (also for the last reading of a batch); oldest only with them, as {"boot","seq"}, never ahead of the message`,
    mend: 'Draw boot at random at each start, count seq from 0, one more a reading; or leave all three out.',
  },
  no_time: {
    sentence: 'The reading has no timestamp, but its message has boot, seq or readings.',
    allowed: 'a timestamp in every reading of such a message',
    mend: 'Set the clock (SNTP, or the timestamp in iot/broker/status) before sending, or send single readings without boot and seq.',
  },
  timestamp_type: {
    sentence: 'The timestamp is not a number.',
    allowed: `a number: ${seconds}`,
    mend: 'Send Unix seconds without quotes; leave the key out rather than sending null.',
  },
  timestamp_in_ms: {
    sentence: 'The timestamp looks like milliseconds.',
    allowed: `${seconds}, below ${limits.timestampMsFrom}`,
    mend: 'Divide it by 1000; fractions are welcome.',
  },
  timestamp_too_old: {
    sentence: 'The timestamp is before 2020: the clock was not set.',
    allowed: `${seconds} from ${limits.oldestTimestampS} (2020-01-01)`,
    mend: 'Wait for SNTP before dating a reading, or leave timestamp out: then the arrival counts.',
  },
  timestamp_in_future: {
    sentence: "The timestamp is ahead of the manager's clock.",
    allowed: `at most ${limits.futureS} s ahead`,
    mend: 'Check the clock and time zone of the node (Unix time is UTC) and the clock of this machine.',
  },
  no_sensors: {
    sentence: 'The reading has no sensors.',
    allowed: `sensors: an object with 1 to ${limits.sensors} entries`,
    mend: 'Put the values into sensors: "sensors":{"temperature":22.5}.',
  },
  too_many_sensors: {
    sentence: 'The reading has too many sensors.',
    allowed: `${limits.sensors} in a reading`,
    mend: 'Use several nodes, or send fewer values at a time.',
  },
  too_many_readings: {
    sentence: 'The batch has too many readings.',
    allowed: `${limits.readings} in a message`,
    mend: 'Split the batch.',
  },
  bad_sensor_name: {
    sentence: 'A sensor has a name that is not allowed.',
    allowed: 'a lower-case letter, then up to 31 lower-case letters, digits or _',
    mend: 'Rename it, for example soil_moisture_1.',
  },
  reserved_name: {
    sentence: 'A sensor has a name that means something else.',
    allowed: `any name but ${reservedNames.join(', ')}`,
    mend: 'Rename the sensor; wifi_rssi and uptime belong beside sensors, not in it.',
  },
  bad_sensor_value: {
    sentence: 'A value is not a number.',
    allowed: 'a finite number, true or false, or null for a sensor that failed (wifi_rssi and uptime: a finite number or null)',
    mend: 'Send the number without quotes and unit; NaN is not JSON, send null.',
  },
  boot_reused: {
    sentence: 'This boot and seq came before with another time or other values.',
    allowed: 'the same bytes when a reading is sent again',
    mend: 'Draw boot at random at each start, and send a kept reading again exactly as it was.',
  },
  conflict: {
    sentence: 'The node already has another value for this field at this millisecond.',
    allowed: 'one value a field and millisecond; the first is kept',
    mend: 'Give timestamps with fractions, or look for two boards with one id.',
  },
  column_limit: {
    sentence: 'The node has used too many different sensor names.',
    allowed: `${limits.sensorNamesPerNode} in the life of a node`,
    mend: 'Do not put counters or addresses into sensor names; use another node id for other sensors.',
  },
  quota: {
    sentence: 'The node sends faster than its configured limit.',
    allowed: 'the rate in the configuration',
    mend: 'Lengthen the interval of the node, or raise the limit.',
  },
  bad_status: {
    sentence: 'The status message is not one.',
    allowed: `a JSON object with node_id and online (true or false), ${limits.statusBytes} bytes`,
    mend: 'Compare it with docs/reference/wire.md; every other key may be left out.',
  },
  bad_ack: {
    sentence: 'The ack is not one.',
    allowed: `a JSON object with node_id, command and state, ${limits.ackBytes} bytes`,
    mend: 'Compare it with docs/reference/wire.md; copy id and command from the command.',
  },
  unknown_command_id: {
    sentence: 'The ack matches no command that is open.',
    allowed: 'the id of a command of this node; without id the name of one that was sent and is not final',
    mend: 'Copy the id of the command into the ack unchanged.',
  },
  retained_replay: {
    sentence: 'The broker delivered an old telemetry message that it had retained.',
    allowed: 'telemetry without the retain flag',
    mend: 'Publish telemetry with retain off, and clear the topic once with an empty retained message.',
  },
  beyond_retention: {
    sentence: 'The reading is older than what is kept.',
    allowed: 'readings within the configured retention',
    mend: 'Lengthen the retention if such old readings matter.',
  },
  unclaimed: {
    sentence: 'The node is not claimed.',
    allowed: 'nodes that were added or claimed',
    mend: 'Claim it (espalier node claim ID) or add it with a credential (espalier node add ID).',
  },
  removed: {
    sentence: 'The node was removed, but still speaks.',
    allowed: 'nodes that were not removed',
    mend: 'Switch the board off, or add the node again: espalier node add ID.',
  },
} as const satisfies Record<string, CodeText>

export type RejectReason = keyof typeof rejects
export const rejectReasons = Object.keys(rejects) as readonly RejectReason[]

/** The detail of a kept reject: what was there, what is allowed, how to mend it. */
export const rejectDetail = (reason: RejectReason, got: string, allowed?: string): string => said(rejects[reason], got, allowed)
