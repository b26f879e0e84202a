import type { DoctorReport, MachineView } from '../../../src/api/settings.ts'
import { age } from '../format.ts'
import { Ago } from '../parts/ago.tsx'
import { bytes } from '../parts/amount.ts'
import { BrokerPanel, Listeners } from '../parts/broker-panel.tsx'
import { Copyable } from '../parts/copyable.tsx'
import { Figure } from '../parts/figure.tsx'
import { FindingLine } from '../parts/health-pill.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { arrived, useAnswer } from '../state/ask.ts'
import { asks } from '../state/asks.ts'
import { now } from '../state/connection.ts'

/** The broker and the machine it runs on: is there room, is it cool, and who may connect. */
export function Machine() {
  const machine = useAnswer(asks.machine, [], 5000)
  const doctor = useAnswer(asks.doctor, [], 30_000)
  if (!arrived(machine, doctor)) return <Waiting rows={10} />
  return (
    <>
      <h1>Broker & machine</h1>
      <div class="halves">
        <BrokerPanel />
        <section class="panel" aria-labelledby="machine-title">
          <h2 id="machine-title">{machine.value?.name ?? 'This machine'}</h2>
          {machine.value && <Figures view={machine.value} />}
          <ProblemNote error={machine.error} what="figures of the machine" />
        </section>
      </div>
      <Listeners />
      {machine.value && <Certificates view={machine.value} />}
      {machine.value && <Retention view={machine.value} />}
      <Findings doctor={doctor.value} error={doctor.error} />
    </>
  )
}

const sized = (n: number | null) => {
  const [value, unit] = n === null ? [null, ''] : bytes(n)
  return { value, unit }
}

function Figures({ view }: { view: MachineView }) {
  const used = diskShare(view)
  return (
    <dl class="figures">
      <Figure name="processor" value={view.cpu_percent === null ? null : Math.round(view.cpu_percent)} unit="%" />
      <Figure name="memory of Espalier" {...sized(view.rss_bytes)} />
      <Figure name="memory free" {...sized(view.mem_free_bytes)} />
      <Figure name="disk used" value={used} unit="%" tone={used !== null && used >= 90 ? 'bad' : ''} />
      <Figure name="disk free" {...sized(view.disk_free_bytes)} />
      <Figure name="disk full" value={fullIn(view.full_at)} />
      <Figure name="written a day" {...sized(view.written_bytes_day)} />
      <Figure name="temperature" value={view.temperature_c === null ? null : view.temperature_c.toFixed(1)} unit="°C" />
      <Figure name="store" {...sized(view.store_bytes)} />
      <Figure name="readings" value={view.readings} />
      <Figure name="oldest reading" value={view.oldest_reading === null ? null : day(view.oldest_reading)} />
      <Figure name="running for" value={age(view.uptime * 1000)} />
    </dl>
  )
}

const diskShare = ({ disk_free_bytes: free, disk_total_bytes: total }: MachineView): number | null =>
  free === null || !total ? null : Math.round((1 - free / total) * 100)

const farMs = 3_652 * 86_400_000
const fullIn = (at: number | null): string =>
  at === null ? 'not in sight' : at - now.peek() > farMs ? 'in 10 y or more' : day(at)
const day = (ms: number): string => new Date(ms).toLocaleDateString([], { day: 'numeric', month: 'short', year: 'numeric' })

function Certificates({ view: { certificates } }: { view: MachineView }) {
  return (
    <section class="panel" aria-labelledby="certificates-title">
      <h2 id="certificates-title">Certificates</h2>
      {certificates.length === 0 ? (
        <div class="empty-part">
          <p class="dim">
            There are none: Espalier listens on this machine only. For boards in the house, with TLS and passwords:
          </p>
          <Copyable text="npx --no-install espalier up --lan" />
        </div>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th>Name</th>
              <th>Valid until</th>
              <th>SHA-256</th>
            </tr>
          </thead>
          <tbody>
            {certificates.map(({ name, expires, fingerprint }) => (
              <tr key={name + fingerprint}>
                <td>{name}</td>
                <td>
                  <time dateTime={new Date(expires).toISOString()}>{day(expires)}</time>{' '}
                  <span class="dim">in {age(expires - now.value)}</span>
                </td>
                <td>
                  <code class="fingerprint">{fingerprint}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

/** Nothing goes in silence. */
function Retention({ view: { retention } }: { view: MachineView }) {
  if (retention.length === 0) return null
  return (
    <section class="panel" aria-labelledby="retention-title">
      <h2 id="retention-title">What retention let go</h2>
      <ul>
        {retention.slice(0, 5).map(one => (
          <li key={one.time + one.what}>
            <Ago time={one.time} />: {one.rows.toLocaleString('en')} {kept[one.what]} of {day(one.from)} to {day(one.to)},{' '}
            {one.why === 'age' ? 'too old' : 'too much room'}
          </li>
        ))}
      </ul>
    </section>
  )
}

const kept = { raw: 'readings', '1m': 'minutes', '1h': 'hours' } as const

function Findings({ doctor, error }: { doctor: DoctorReport | null; error: unknown }) {
  return (
    <section class="panel" aria-labelledby="doctor-title">
      <h2 id="doctor-title">What the doctor says</h2>
      <ProblemNote error={error} what="the doctor" />
      {doctor?.findings.length === 0 && <p>Nothing to mend.</p>}
      {doctor && doctor.findings.length > 0 && (
        <ul class="why-list plain">
          {doctor.findings.map(finding => (
            <FindingLine key={finding.code + finding.subject} finding={finding} />
          ))}
        </ul>
      )}
    </section>
  )
}
