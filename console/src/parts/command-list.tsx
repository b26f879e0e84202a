import { useComputed } from '@preact/signals'
import type { CommandView } from '../../../src/api/commands.ts'
import { clockTime, delta, fullTime } from '../format.ts'
import { client, now } from '../state/connection.ts'
import { CopyButton } from './copyable.tsx'

/** Commands, each with its evidence until it is final. `named`: with the node it is for. */
export function CommandList({ list, named = false }: { list: readonly CommandView[]; named?: boolean }) {
  return (
    <ol class="command-list">
      {list.map(command => (
        <Command key={command.id} command={command} named={named} />
      ))}
    </ol>
  )
}

const tone: Readonly<Record<CommandView['state'], string>> = {
  queued: 'info',
  sent: 'info',
  accepted: 'info',
  running: 'info',
  done: 'ok',
  failed: 'bad',
  rejected: 'bad',
  expired: 'warn',
  cancelled: 'warn',
  unknown: 'warn',
}

function Command({ command, named }: { command: CommandView; named: boolean }) {
  const cancellable = command.state === 'queued' && command.attempts === 0
  return (
    <li>
      <div class="command-head">
        <span>
          {named && <a href={`/nodes/${command.node}`}>{command.node}</a>} <code>{sayAsShell(command)}</code>
        </span>
        <strong class={`outcome ${tone[command.state]}`}>{command.state}</strong>
      </div>
      <Timeline command={command} />
      {command.state === 'queued' && <Waiting command={command} />}
      {command.error && (
        <p class="problem">
          <a href={`/reference#${command.error.code}`}>{command.error.code}</a>: {command.error.message}
        </p>
      )}
      {hasResult(command.result) && <pre class="result">{JSON.stringify(command.result)}</pre>}
      <div class="command-tools">
        <CopyButton text={`npx --no-install espalier ${asCli(command)}`} label="Copy as CLI" />
        {cancellable && (
          <button type="button" class="quiet" onClick={() => void client.cancel(command.id).catch(() => undefined)}>
            Cancel
          </button>
        )}
      </div>
    </li>
  )
}

// A board that is there takes a command sooner than this.
const patienceMs = 2000

/** Why it is not sent yet, and until when it may be. */
function Waiting({ command }: { command: CommandView }) {
  const long = useComputed(() => now.value - command.queued_at > patienceMs)
  if (!long.value) return null
  return (
    <p class="wait">
      Waits until {command.node} is connected and subscribes to <code>iot/node/{command.node}/command</code>; given up at{' '}
      <time dateTime={new Date(command.expires).toISOString()} title={fullTime(command.expires)}>
        {clockTime(command.expires)}
      </time>
      .
    </p>
  )
}

/** queued 12:00:01 → sent +40 ms → accepted +210 ms → done +1.3 s, each behind the one before. */
function Timeline({ command }: { command: CommandView }) {
  return (
    <ol class="timeline">
      {command.history.map((step, i) => (
        <li key={`${step.state}${step.time}`} class={tone[step.state]}>
          <span class="dot" aria-hidden="true" />
          <span class="step">{step.state}</span>{' '}
          <time dateTime={new Date(step.time).toISOString()} title={`${fullTime(step.time)}, evidence: ${step.evidence}`}>
            {i === 0 ? clockTime(step.time) : delta(step.time - command.history[i - 1]!.time)}
          </time>
        </li>
      ))}
    </ol>
  )
}

/** An update is another command of the CLI: its address and signature are made anew each time. */
function asCli({ node, command, params }: CommandView, said = sayAsShell({ command, params })): string {
  if (command !== 'update_firmware') return `send ${node} ${said}`
  return `update ${node} --version ${quote(String(params.version))}${params.force ? ' --force' : ''}`
}

function sayAsShell({ command, params: all }: Pick<CommandView, 'command' | 'params'>): string {
  const shown = command === 'update_firmware' ? Object.entries(all).filter(([name]) => name === 'version') : Object.entries(all)
  const params = shown.map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
  return [command, ...params.map(quote)].join(' ')
}

const quote = (text: string): string => (/^[\w.,:=+/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

const hasResult = (result: unknown): boolean => result !== null && result !== undefined && JSON.stringify(result) !== '{}'
