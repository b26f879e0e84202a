import { useComputed } from '@preact/signals'
import { useState } from 'preact/hooks'
import type { CommandView } from '../../../src/api/commands.ts'
import { client } from '../state/connection.ts'
import { commands } from '../state/house.ts'
import { Bulb } from './icons.tsx'

/** Makes a board blink, so that a person who stands before six of them finds it; says what became of it. */
export function BlinkButton({ id, name }: { id: string; name: string }) {
  const [sent, setSent] = useState<string | null>(null)
  const state = useComputed(() => commands.value.find(one => one.id === sent)?.state).value
  const blink = async () => {
    const command = await client.send(id, { command: 'identify' }).catch(() => null)
    setSent(command?.id ?? 'refused')
  }
  return (
    <button type="button" class="quiet blink" onClick={blink} aria-label={`Blink ${name}`}>
      <Bulb /> <span>{sent === null ? 'Blink' : (said(state) ?? 'refused')}</span>
    </button>
  )
}

// Spelled out: the table of the API would bring its schemas to the first page.
const under: ReadonlySet<string> = new Set(['queued', 'sent', 'accepted', 'running'])

const said = (state: CommandView['state'] | undefined): string | undefined =>
  state === undefined ? undefined : state === 'done' ? 'blinked' : under.has(state) ? `${state} …` : state
