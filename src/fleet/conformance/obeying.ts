import type { Ack } from '../../contract/schemas.ts'
import { ask, described, finalAck, inWords, judge, type Run, type Sent, say, skip } from './run.ts'

const dependent = ['unknown_command', 'bad_params', 'read_now', 'get_status', 'dedupe', 'id_reuse', 'expiry', 'interval'] as const

/** Commands: are they answered, once, and are the wrong ones refused? The answer is the ping that was done, which later checks repeat;
 *  null: it takes none. */
export async function obeying(run: Run): Promise<Sent | null> {
  const { ear } = run
  const caps = described(run)?.caps
  const ping = await ask(run, 'ping')
  if (ping.ack === null && caps === undefined) {
    skip(run, 'it does not answer commands, and its status says no caps', 'ping', ...dependent)
    return null
  }
  const good = ping.ack?.state === 'done' && typeof (ping.ack.result as { uptime?: unknown })?.uptime === 'number'
  if (!judge(run, 'ping', good, 'done with its uptime', inWords(ping.ack))) {
    skip(run, 'ping failed', ...dependent)
    return null
  }
  await refusals(run)

  const before = ear.readings.length
  const read = await ask(run, 'read_now')
  const published = await ear.until(5_000, () => (ear.readings.length > before ? true : undefined))
  const sensors = (read.ack?.result as { sensors?: object } | undefined)?.sensors
  judge(
    run,
    'read_now',
    read.ack?.state === 'done' && !!sensors && !!published,
    'one telemetry, and its sensors as result',
    `${inWords(read.ack)}; telemetry ${published ? 'came' : 'did not come'}`,
  )

  const statuses = ear.statuses.length
  const got = await ask(run, 'get_status')
  const told = await ear.until(5_000, () => (ear.statuses.length > statuses ? true : undefined))
  judge(
    run,
    'get_status',
    got.ack?.state === 'done' && !!told,
    'done, and its status came',
    `${inWords(got.ack)}; status ${told ? 'came' : 'did not come'}`,
  )

  if (!caps?.includes('dedupe')) skip(run, 'its caps have no dedupe: a command is sent to it once', 'dedupe', 'id_reuse')
  else if (read.ack) await repeats(run, read)
  await expiry(run)
  await interval(run)
  return ping
}

async function refusals(run: Run): Promise<void> {
  const unknown = await ask(run, 'conformance_unknown')
  judge(run, 'unknown_command', refusedAs(unknown.ack, 'unknown_command'), 'rejected, unknown_command', inWords(unknown.ack))
  const bad = await ask(run, 'identify', { seconds: 61 })
  judge(run, 'bad_params', refusedAs(bad.ack, 'bad_params'), 'rejected, bad_params', inWords(bad.ack))
}

const refusedAs = (ack: { state: string; error?: { code: string } } | null, code: string): boolean =>
  ack?.state === 'rejected' && ack.error?.code === code

/** The same bytes again: the same final ack, to the letter of its result. */
async function repeats(run: Run, { id, payload }: Sent): Promise<void> {
  const { air, ear } = run
  const first = ear.acks.find(ack => ack.id === id && ack.state === 'done')
  const answers: boolean[] = []
  for (let i = 0; i < 3; i++) {
    const from = ear.acks.length
    await air.command(payload, false)
    const again = await finalAck(run, id, from)
    answers.push(again?.state === 'done' && JSON.stringify(again.result) === JSON.stringify(first?.result))
  }
  judge(
    run,
    'dedupe',
    answers.every(Boolean),
    'three repeats brought the same final ack',
    'a repeated read_now was answered differently: it ran again',
  )
  const from = ear.acks.length
  await air.command(new TextEncoder().encode(JSON.stringify({ id, command: 'identify', params: { seconds: 1 } })), false)
  const reused = await finalAck(run, id, from)
  judge(run, 'id_reuse', refusedAs(reused, 'id_reused'), 'rejected, id_reused', inWords(reused))
}

async function expiry(run: Run): Promise<void> {
  const late = await ask(run, 'ping', {}, -60)
  judge(run, 'expiry', late.ack?.state === 'expired', 'a command that came too late is expired', inWords(late.ack))
}

/** Has a node that speaks less often than each `slowerThanS`, and says that it takes commands, speak each second from now on: what follows
 *  is quicker. Its own interval comes back at the end; a restart brings it, too. */
export async function everySecond(run: Run, slowerThanS: number): Promise<void> {
  const { interval, caps } = described(run) ?? {}
  if (caps !== undefined && interval !== undefined && interval > slowerThanS) await setInterval(run)
}

async function setInterval(run: Run): Promise<Sent & { ack: Ack | null }> {
  // Asked before it is changed: a birth after that tells the new one.
  const seconds = Math.min(Math.max(described(run)?.interval ?? 10, 0.1), 86_400)
  const set = await ask(run, 'set_interval', { seconds: 1 })
  if (set.ack?.state === 'done' && !run.hurried) {
    run.hurried = true
    run.tidy.push(async () => void (await ask(run, 'set_interval', { seconds })))
  }
  return set
}

/** It shows that the command works. */
async function interval(run: Run): Promise<void> {
  const { ear } = run
  const set = await setInterval(run)
  if (set.ack?.state !== 'done') return say(run, 'interval', 'fail', `set_interval: ${inWords(set.ack)}`)
  const from = ear.readings.length
  const enough = await ear.until(8_000, () => (ear.readings.length >= from + 4 ? true : undefined))
  judge(
    run,
    'interval',
    enough === true,
    'set_interval 1: a reading a second',
    `set_interval 1 was done, and ${ear.readings.length - from} readings came in 8 s`,
  )
}
