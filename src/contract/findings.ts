import type { CodeText } from './code-text.ts'

/** What doctor finds. `allowed` is how it should be. */
export const findings = {
  broker_down: {
    sentence: 'The MQTT broker does not take connections.',
    allowed: 'a broker that listens',
    mend: 'Read the log (journalctl, or the terminal of espalier up), then start again.',
  },
  broker_away: {
    sentence: 'The MQTT broker, which is not ours, can not be reached; it is tried again every few seconds.',
    allowed: 'a broker that answers and lets us in',
    mend: 'Does it run? Are host, port, user, password and CA right (up.broker…)? docs/guide/mosquitto.md has its configuration.',
  },
  broker_dropped: {
    sentence:
      'The broker has dropped messages from full queues since it began; nodes that keep until receipt bring theirs again.',
    allowed: 'queues that hold what comes while somebody is away',
    mend: 'In mosquitto.conf: max_queued_messages 100000 and max_inflight_messages 1000.',
  },
  session_lost: {
    sentence: 'Our session at the broker was deleted while we were connected to it, with what was waiting in it.',
    allowed: 'a session that lasts, and nobody else under our client id',
    mend: 'persistence true; persistent_client_expiration off; no use_username_as_clientid on the listener that services use.',
  },
  ingest_stopped: {
    sentence: 'Readings are not being made durable, so nothing is acknowledged; nodes keep what they have.',
    allowed: 'a journal that can be written',
    mend: 'Make room on the disk of the data directory, or mend it; it goes on by itself.',
  },
  store_damaged: {
    sentence: 'Something of what was kept is damaged or can not be written.',
    allowed: 'files that read back as they were written',
    mend: 'Make a backup of what is there, look after the disk, and restore from an older backup what you need.',
  },
  disk_low: {
    sentence: 'Little disk space is left.',
    allowed: '500 MiB free',
    mend: 'Make room, lower retention.raw_size, or move the data directory (--data).',
  },
  disk_filling: {
    sentence: 'The disk will be full within two weeks at the pace of the last day.',
    allowed: 'room for two weeks',
    mend: 'Make room, lower retention.raw_size or retention.raw_age, or move the data directory.',
  },
  clock_suspect: {
    sentence: 'The clock is behind the newest reading or before 2026, so nothing expires and nodes are told no time.',
    allowed: 'a clock that is set',
    mend: 'timedatectl set-ntp true, or set it by hand; a Pi without network needs a clock module.',
  },
  certificate_expiring: {
    sentence: 'A certificate ends soon.',
    allowed: '14 days left for the server, 90 for the CA',
    mend: 'The server renews its own by itself: look into the log why it did not. For a new CA give every board the new CA file.',
  },
  backup_none: {
    sentence: 'There are readings of more than a week, and no backup is scheduled.',
    allowed: 'a backup on another disk or machine',
    mend: 'espalier backup --schedule DIR, or espalier backup FILE now and then.',
  },
  backup_failed: {
    sentence: 'The last scheduled backup failed.',
    allowed: 'a folder that is there and has room',
    mend: 'Make room, or plug the disk in; it is tried again by itself.',
  },
  backup_old: {
    sentence: 'The newest scheduled backup is older than two of its turns.',
    allowed: 'one a turn (backup.every)',
    mend: 'Look into the log, then espalier backup FILE to see whether one can be made.',
  },
  retention_took: {
    sentence: 'Old data went in the last week, as retention says.',
    allowed: 'what retention keeps',
    mend: 'Nothing, if that is what you want; else raise the limits named here.',
  },
  retention_over: {
    sentence: 'Readings take more room than retention.raw_size, and none may go: all came within the last 7 days.',
    allowed: 'a size that holds a week',
    mend: 'Raise retention.raw_size, or let the nodes send less often.',
  },
  rejects_many: {
    sentence: 'More than one in twenty readings since the start was rejected.',
    allowed: 'under 5 %',
    mend: 'espalier rejects shows each with its reason and what to mend.',
  },
  user_denied: {
    sentence: 'A client was denied topics.',
    allowed: 'its own topics',
    mend: 'The page about messages shows which; give each board an identity of its own: espalier node add ID.',
  },
  node_late: {
    sentence: 'A node is connected but its readings are overdue.',
    allowed: 'a reading every interval',
    mend: 'Look at its log (espalier logs ID), its sensor and its signal.',
  },
  node_offline: {
    sentence: 'A node has been away for more than an hour.',
    allowed: 'connected, or asleep and on time',
    mend: 'Power, Wi-Fi, password: espalier node show ID. If it is gone for good: espalier node remove ID.',
  },
  node_fighting: {
    sentence: 'Two boards use the same id and throw each other out.',
    allowed: 'one board an id',
    mend: 'Give each board an identity of its own: espalier node add ID.',
  },
  node_unclaimed: {
    sentence: 'Somebody nobody added waits at the door.',
    allowed: 'nodes that were added or claimed',
    mend: 'If it is yours: espalier node claim ID.',
  },
  file_open: {
    sentence: 'A file with secrets can be read by others on this machine.',
    allowed: '0600 for files, 0700 for folders',
    mend: 'chmod 600 FILE (a folder: 700); if others may have read it: espalier token --rotate, espalier node rotate ID.',
  },
  alert_channel: {
    sentence: 'Alerts do not get through on a channel; they wait and are sent when it takes them.',
    allowed: 'a receiver that answers',
    mend: 'espalier alerts channels says why; after mending it: espalier alerts test CHANNEL.',
  },
  alert_given_up: {
    sentence: 'Messages about alerts were given up: their receiver refused them for good, or too many waited.',
    allowed: 'messages that are taken',
    mend: 'espalier alerts lists what they were about; espalier alerts channels says how the last one went.',
  },
  firmware_unreachable: {
    sentence: 'There are images of firmware, but nodes can not fetch them: nothing listens for HTTPS.',
    allowed: 'an HTTPS listener',
    mend: 'Start with espalier up --lan, or remove the images: espalier firmware remove.',
  },
  restart_needed: {
    sentence: 'The configuration was changed, and some of it waits for a restart.',
    allowed: 'settings that are in force',
    mend: 'Start again: systemctl restart espalier, or stop espalier up and start it.',
  },
} as const satisfies Record<string, CodeText>

export type FindingCode = keyof typeof findings
