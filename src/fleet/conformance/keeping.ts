import type { HeardReading, HeardStatus } from './ear.ts'
import { described, judge, type Run, say, skip } from './run.ts'

/** Receipts: does it free what is settled, and keep and resend what is not, over a cut line? And the last will, which the same cut shows. */
export async function keeping(run: Run, obeys: boolean): Promise<void> {
  const { ear, air } = run
  const keeps = described(run)?.keep === 'receipt' && ear.readings.some(({ boot }) => boot !== null)
  if (!keeps) skip(run, `it does not keep until a receipt (keep is ${described(run)?.keep ?? 'not said'})`, 'receipts')
  else await frees(run)

  const release = keeps ? air.holdReceipts() : () => {}
  run.tidy.push(async () => release())
  const held = keeps && obeys ? await gather(run) : []
  const statuses = ear.statuses.length
  const readings = ear.readings.length
  if (!(await air.cut())) {
    skip(run, 'this broker can not cut the line of one node: pull its plug, and look at its presence', 'will')
    skip(run, 'its line can not be cut here', 'reconnection', 'resend')
    return release()
  }
  await will(run, statuses)
  const birth = await reborn(run, statuses)
  if (held.length === 0)
    skip(run, keeps ? 'it takes no commands, so its readings are too far apart' : 'it does not keep until a receipt', 'resend')
  else if (birth) await resends(run, held, readings)
  else skip(run, 'it did not come back', 'resend')
  release()
}

/** What is older than the newest receipts is held no more: `oldest` moves on. */
async function frees(run: Run): Promise<void> {
  const { ear } = run
  const first = ear.readings.find(({ oldest }) => oldest !== null)
  const from = ear.readings.length
  const moved = await ear.until(Math.max(20_000, 4_000 * (described(run)?.interval ?? 1)), () =>
    ear.readings
      .slice(from)
      .find(
        ({ boot, oldest }) =>
          oldest !== null && (oldest.boot !== first?.oldest?.boot || oldest.seq > first.oldest.seq) && oldest.boot === boot,
      ),
  )
  if (!first) return skip(run, 'it does not say oldest, so what it holds can not be seen', 'receipts')
  judge(
    run,
    'receipts',
    moved !== null,
    `oldest moved to seq ${moved?.oldest?.seq}`,
    'oldest did not move although receipts were sent: it ignores them',
  )
}

/** Three readings that no receipt speaks of. */
async function gather(run: Run): Promise<HeardReading[]> {
  const { ear } = run
  const from = ear.readings.length
  await ear.until(15_000, () => (ear.readings.length >= from + 3 ? true : undefined))
  return ear.readings.slice(from)
}

async function will(run: Run, from: number): Promise<void> {
  const { ear } = run
  const boot = described(run)?.boot
  const gone = await ear.until(10_000, () => ear.statuses.slice(from).find(({ status }) => !status.online))
  if (!gone) return say(run, 'will', 'fail', 'its line was cut, and no last will came within 10 s')
  const right = gone.status.boot === boot && gone.status.reason === undefined
  judge(
    run,
    'will',
    right,
    'online false with the boot of its birth',
    `the will says boot ${gone.status.boot ?? 'nothing'}, its birth said ${boot ?? 'nothing'}`,
  )
}

async function reborn(run: Run, from: number): Promise<HeardStatus | null> {
  const { ear } = run
  const birth = await ear.until(60_000, () => ear.statuses.slice(from).find(({ status }) => status.online))
  judge(run, 'reconnection', birth !== null, 'it came back with a birth', 'it did not come back within 60 s of the cut')
  return birth
}

async function resends(run: Run, held: readonly HeardReading[], from: number): Promise<void> {
  const { ear } = run
  const found = (): HeardReading[] =>
    held.flatMap(({ boot, seq }) => ear.readings.slice(from).find(r => r.boot === boot && r.seq === seq) ?? [])
  await ear.until(20_000, () => (found().length === held.length ? true : undefined))
  const again = found()
  const same = again.every(({ seq, boot, body }) => held.some(h => h.boot === boot && h.seq === seq && h.body === body))
  const failed = same
    ? `${held.length - again.length} of ${held.length} unsettled readings did not come again within 20 s`
    : 'a reading came again with another time or value'
  judge(run, 'resend', same && again.length === held.length, `${held.length} unsettled readings came again, unchanged`, failed)
}
