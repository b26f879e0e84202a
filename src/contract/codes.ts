/** Every code a person or a program can meet, once, with its sentence. API, CLI, console, firmware and
 *  docs/reference/codes.md take them from here. */

/** Why a message or a reading was not stored (wire contract §2, interface "reasons"). */
export const rejectReasons = [
  'not_utf8', 'bad_json', 'not_object', 'too_deep', 'too_large', 'packet_too_large', 'bad_topic', 'node_id_missing',
  'node_id_mismatch', 'bad_envelope', 'bad_boot_seq', 'no_time', 'timestamp_type', 'timestamp_in_ms', 'timestamp_too_old',
  'timestamp_in_future', 'no_sensors', 'too_many_sensors', 'too_many_readings', 'bad_sensor_name', 'reserved_name',
  'bad_sensor_value', 'boot_reused', 'conflict', 'column_limit', 'quota', 'bad_status', 'bad_ack', 'unknown_command_id',
  'retained_replay', 'beyond_retention', 'unclaimed', 'removed',
] as const
export type RejectReason = (typeof rejectReasons)[number]
