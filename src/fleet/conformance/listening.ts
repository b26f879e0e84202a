import type { HeardReading } from './ear.ts'
import { described, judge, patienceMs, type Run, say, seldom, skip } from './run.ts'

/** A node that is known to be away can't be asked anything: it is said at once. */
export function absent(run: Run): boolean {
  const presence = run.air.presence()
  if (presence !== null && presence !== 'offline') return false
  const detail =
    presence === null
      ? `it never spoke: is it on, and does it publish on iot/node/${run.air.node}/telemetry?`
      : 'it is offline: its last word was a goodbye or a will. Switch it on, and ask again'
  say(run, 'telemetry', 'fail', detail)
  return true
}

/** What can be judged by listening alone: telemetry, its numbers, its clock, and the status. */
export async function listening(run: Run): Promise<void> {
  const { ear } = run
  const ms = patienceMs(run)
  await ear.until(ms, () => (ear.readings.length + ear.faults.length >= 1 ? true : undefined))
  if (ear.readings.length > 0) await ear.until(ms, () => (ear.readings.length >= 3 ? true : undefined))
  const said = `${ear.messages} messages, ${ear.readings.length} readings`
  if (ear.messages === 0 && ear.faults.length === 0 && seldom(run)) {
    skip(run, `it speaks every ${described(run)?.interval} s, and this waits ${ms / 1_000} s`, 'telemetry')
  } else if (ear.messages === 0 && ear.faults.length === 0) {
    say(
      run,
      'telemetry',
      'fail',
      `nothing came within ${ms / 1_000} s: is it on, and does it publish on iot/node/${run.air.node}/telemetry?`,
    )
  } else judge(run, 'telemetry', ear.faults.length === 0, said, `${said}; ${ear.faults[0]}`)
  numbers(run)
  clock(run)
  status(run)
}

const numbered = (run: Run): HeardReading[] => run.ear.readings.filter(({ boot }) => boot !== null)

function numbers(run: Run): void {
  const readings = numbered(run)
  if (readings.length === 0) {
    skip(run, 'it sends no boot and seq: losses and repeats can not be told', 'numbering')
    return
  }
  const seen = new Map<string, string>()
  const changed = readings.find(({ boot, seq, body }) => {
    const key = `${boot}/${seq}`
    const before = seen.get(key)
    seen.set(key, before ?? body)
    return before !== undefined && before !== body
  })
  const detail = `boot ${readings.at(-1)!.boot}, seq ${readings.at(-1)!.seq}, oldest ${readings.at(-1)!.oldest ? 'said' : 'not said'}`
  judge(run, 'numbering', !changed, detail, `seq ${changed?.seq} of boot ${changed?.boot} came again with another time or value`)
}

/** Within this of the manager's clock is a clock that was set. The contract rejects what is 300 s ahead; a reading may be older. */
const offMs = 120_000

function clock(run: Run): void {
  const dated = run.ear.readings.filter(({ time }) => time !== null)
  if (dated.length === 0) {
    skip(run, 'it sends no timestamp: its readings are dated by their arrival', 'clock')
    return
  }
  const newest = dated.at(-1)!
  const off = newest.time! - newest.arrived
  const times = new Map(dated.map(({ boot, seq, time }, index) => [boot === null ? `${index}` : `${boot}/${seq}`, time]))
  const same = new Set(times.values()).size < times.size
  judge(
    run,
    'clock',
    Math.abs(off) <= offMs && !same,
    `its clock is ${(off / 1_000).toFixed(3)} s off ours at arrival`,
    same
      ? 'two readings have one millisecond'
      : `its newest reading is dated ${(off / 1_000).toFixed(0)} s off, allowed ${offMs / 1_000}`,
  )
}

function status(run: Run): void {
  const status = described(run)
  if (!status) {
    skip(run, 'it never published a status', 'status')
    return
  }
  const wanted = ['boot', 'interval', 'uptime', 'firmware', 'board', 'caps', 'keep', 'sensors'] as const
  const missing = wanted.filter(key => status[key] === undefined)
  const { firmware, board } = status
  say(
    run,
    'status',
    'pass',
    `${board ?? 'no board'}, firmware ${firmware?.version ?? 'unknown'}${missing.length ? `; without ${missing.join(', ')}` : ''}`,
  )
}
