import { encodeCommand } from '../../contract/encode.ts'
import { ask, described, finalAck, inWords, judge, type Run, type Sent, say, send, skip } from './run.ts'

const bootMs = 60_000
const quietMs = 3_000
const names = ['reboot', 'memory', 'retained'] as const

/** A reboot: announced, done only after the birth of a new boot, remembered over it; and a retained command, which only a node that
 *  subscribes anew can get as one. */
export async function restarting(run: Run, before: Sent | null): Promise<void> {
  const { air, ear } = run
  if (!before) return skip(run, 'it takes no commands', ...names)
  const boot = described(run)?.boot
  const [statuses, acks] = [ear.statuses.length, ear.acks.length]
  const reboot = await send(run, 'reboot', {})
  const goodbye = await ear.until(bootMs, () => ear.statuses.slice(statuses).find(({ status }) => !status.online))
  const kept = await retainedCommand(run)
  const birth = await ear.until(bootMs, () =>
    ear.statuses.slice(statuses).find(({ status }) => status.online && status.boot !== boot),
  )
  const done = await finalAck(run, reboot.id, acks)
  await kept.cleared()
  const accepted = ear.acks.slice(acks).find(ack => ack.id === reboot.id)?.state === 'accepted'
  const faults = [
    !accepted && 'its first ack was not accepted',
    goodbye?.status.reason !== 'reboot' &&
      `its goodbye ${goodbye ? `says reason ${goodbye.status.reason ?? 'nothing'}` : 'did not come'}`,
    !birth && 'no birth with another boot within 60 s',
    done?.state !== 'done' && inWords(done),
  ].filter(fault => fault !== false)
  judge(run, 'reboot', faults.length === 0, 'accepted, goodbye, birth with a new boot, done', faults.join('; '))
  if (!birth) return skip(run, 'it did not come back', 'memory', 'retained')

  await memory(run, before, reboot)
  await air.pause(quietMs)
  const answers = ear.acks.filter(ack => ack.id === kept.id)
  const ran = answers.some(({ state }) => state !== 'rejected')
  judge(
    run,
    'retained',
    !ran,
    answers.length > 0 ? `refused: ${inWords(answers[0]!)}` : 'ignored',
    'it executed a retained command',
  )
}

/** Published while the node is away, so that its next subscription brings it with the retain flag. */
async function retainedCommand(run: Run): Promise<{ id: string; cleared: () => Promise<void> }> {
  const { air } = run
  const id = air.newId()
  air.claim(id)
  const cleared = (): Promise<void> => air.command(new Uint8Array(0), true)
  run.tidy.push(cleared)
  // It expires: should nobody be left to take it away, it is nothing to whoever comes later.
  const expires = Math.floor(air.clock.wallMs() / 1_000) + 300
  await air.command(encodeCommand({ id, command: 'ping', params: {}, expires }), true)
  return { id, cleared }
}

/** Ids from before the reboot are still known: the ping is not answered anew, and the reboot does not happen again. */
async function memory(run: Run, ping: Sent, reboot: Sent): Promise<void> {
  const { air, ear } = run
  if (!described(run)?.caps?.includes('dedupe')) return skip(run, 'its caps have no dedupe', 'memory')
  const first = ear.acks.find(ack => ack.id === ping.id && ack.state === 'done')
  const from = ear.acks.length
  await air.command(ping.payload, false)
  const again = await finalAck(run, ping.id, from)
  const statuses = ear.statuses.length
  await air.command(reboot.payload, false)
  const gone = await ear.until(quietMs, () => ear.statuses.slice(statuses).find(({ status }) => !status.online))
  const same = again?.state === 'done' && JSON.stringify(again.result) === JSON.stringify(first?.result)
  judge(
    run,
    'memory',
    same && !gone,
    'commands from before the reboot are answered from memory',
    gone ? 'the repeated reboot was executed again' : `the ping from before the reboot: ${inWords(again)}, with another result`,
  )
}

/** An update nobody signed. It must be refused before a slot is touched, and the version must stay. */
export async function updating(run: Run, obeys: boolean): Promise<void> {
  if (!obeys) return skip(run, 'it takes no commands', 'update')
  const { board, firmware } = described(run) ?? {}
  const forged = await ask(run, 'update_firmware', {
    url: 'https://127.0.0.1:9/fw/none',
    board: board ?? 'unknown',
    version: '999.0.0',
    size: 4_096,
    sha256: '0'.repeat(64),
    signature: 'MAYCAQECAQE=',
  })
  const refused =
    (forged.ack?.state === 'rejected' || forged.ack?.state === 'failed') &&
    described(run)?.firmware?.version === firmware?.version
  if (forged.ack?.error?.code === 'busy') return say(run, 'update', 'skip', 'an update goes on: ask again when it is over')
  if (forged.ack?.error?.code === 'unknown_command') return say(run, 'update', 'skip', 'it knows no update_firmware')
  judge(
    run,
    'update',
    refused,
    `an unsigned update is refused: ${inWords(forged.ack)}`,
    `an unsigned update: ${inWords(forged.ack)}`,
  )
}
