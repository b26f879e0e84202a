import type { CodeText } from './code-text.ts'

/** What a client did that reaches nobody, and how to mend it: `reason` of messages that are refused, denied, a fight or on a wrong
 *  topic. In `mend`, ID stands for the node's id. */
export const notices = {
  bad_credentials: {
    sentence: 'The user name or the password is wrong.',
    allowed: 'the user name and password that espalier node add printed',
    mend: 'Copy both into the sketch again, or make new ones: espalier node rotate ID.',
  },
  bad_certificate: {
    sentence: 'The client certificate is not one of this server, or no longer valid.',
    allowed: 'the certificate that espalier node add --cert printed, until it is rotated or revoked',
    mend: 'Put that certificate and its key into the client, or make new ones: espalier node rotate ID --cert.',
  },
  unknown_user: {
    sentence: 'Nobody was added under this user name.',
    allowed: 'the id of a node that was added',
    mend: 'Add it: espalier node add ID.',
  },
  no_credentials: {
    sentence: 'The client gave no user name and password on a listener that wants them.',
    allowed: 'user name and password, or a client certificate',
    mend: 'Make them with espalier node add ID and put them into the sketch.',
  },
  bad_client_id: {
    sentence: 'The client id can not be used.',
    allowed: 'up to 256 bytes; not empty with clean session off',
    mend: 'Give the client an id, for a board its own node id.',
  },
  wrong_version: {
    sentence: 'The client speaks another version of MQTT.',
    allowed: 'MQTT 3.1.1 (and 3.1)',
    mend: 'Choose 3.1.1 in the client: mosquitto_pub -V 311, paho protocol=mqtt.MQTTv311.',
  },
  tls_untrusted: {
    sentence: 'The client does not trust the certificate of this server.',
    allowed: 'clients that have the CA certificate of this server and call it by a name in its certificate',
    mend: 'Put DATA/ca/ca.pem into the sketch, set the clock of the board, and use the host that espalier node add printed.',
  },
  tls_failed: {
    sentence: 'The TLS handshake failed.',
    allowed: 'TLS 1.2 or 1.3 on this port',
    mend: 'Use a TLS client (mqtts://, WiFiClientSecure) with the CA certificate of this server.',
  },
  tls_on_plain: {
    sentence: 'The client began TLS on a port without TLS.',
    allowed: 'plain MQTT on this port',
    mend: 'Use the port of MQTT over TLS (8883 unless told otherwise), or a client without TLS.',
  },
  not_yours: {
    sentence: 'A node publishes its own topics only.',
    allowed: 'iot/node/ID/telemetry, status, ack and log, with ID as the user name',
    mend: 'Put the user name into the topic; every board needs an identity of its own: espalier node add.',
  },
  not_claimed: {
    sentence: 'Nobody added this node, and this house refuses such nodes.',
    allowed: 'nodes that were added or claimed (nodes.unclaimed in espalier.yaml)',
    mend: 'If it is yours: espalier node claim ID.',
  },
  only_manager: {
    sentence: 'Only the manager publishes on this topic.',
    allowed: 'telemetry, status, ack and log of a node',
    mend: 'Send commands with espalier send ID COMMAND.',
  },
  not_readable: {
    sentence: 'The client may not read this topic.',
    allowed:
      'a node: iot/node/ID/command, iot/node/ID/receipt and iot/broker/status; on this machine: filters that begin with iot/',
    mend: 'Subscribe to iot/node/ID/command.',
  },
  wrong_topic: {
    sentence: 'Nobody listens on this topic: nothing of it is stored.',
    allowed: 'iot/node/ID/telemetry, status, ack and log',
    mend: 'Publish to the topic named here.',
  },
  client_fight: {
    sentence: 'Two clients take the same client id from each other.',
    allowed: 'one connection a client id',
    mend: 'Give each board an id of its own: espalier node add. A single board that does this connects again without closing.',
  },
} as const satisfies Record<string, CodeText>

export type NoticeReason = keyof typeof notices
