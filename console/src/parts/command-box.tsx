import { useState } from 'preact/hooks'
import type { CommandRequest } from '../../../src/api/commands.ts'
import { client } from '../state/connection.ts'
import { Bulb } from './icons.tsx'

type Kind = 'set_led' | 'identify' | 'ping'
const kinds: Readonly<Record<Kind, string>> = { set_led: 'Set the LED', identify: 'Blink to be found', ping: 'Ping' }

/** Three commands that every node knows, as forms. What comes of them is told by the list below. */
export function CommandBox({ id }: { id: string }) {
  const [kind, setKind] = useState<Kind>('set_led')
  const [on, setOn] = useState(true)
  const [brightness, setBrightness] = useState(128)
  const [seconds, setSeconds] = useState(10)
  const [problem, setProblem] = useState('')

  const request = (): CommandRequest => {
    if (kind === 'ping') return { command: 'ping' }
    if (kind === 'identify') return { command: 'identify', params: { seconds } }
    return { command: 'set_led', params: on ? { state: 'on', brightness } : { state: 'off' } }
  }
  const send = async (event: Event) => {
    event.preventDefault()
    setProblem('')
    await client.send(id, request()).catch(error => setProblem(error.message))
  }

  return (
    <form class="command-box" onSubmit={send}>
      <label>
        Command
        <select value={kind} onChange={event => setKind(event.currentTarget.value as Kind)}>
          {Object.entries(kinds).map(([name, says]) => (
            <option key={name} value={name}>
              {says}
            </option>
          ))}
        </select>
      </label>
      {kind === 'set_led' && (
        <>
          <label class="switch">
            <input
              type="checkbox"
              role="switch"
              aria-checked={on}
              checked={on}
              onChange={event => setOn(event.currentTarget.checked)}
            />
            <Bulb /> {on ? 'On' : 'Off'}
          </label>
          <label class={on ? 'slider' : 'slider off'}>
            <span class="slider-head">
              Brightness <output>{brightness}</output>
            </span>
            <input
              type="range"
              min="0"
              max="255"
              disabled={!on}
              value={brightness}
              onInput={event => setBrightness(Number(event.currentTarget.value))}
            />
          </label>
        </>
      )}
      {kind === 'identify' && (
        <label>
          Seconds
          <input
            type="number"
            min="1"
            max="60"
            required
            value={seconds}
            onInput={event => setSeconds(Number(event.currentTarget.value))}
          />
        </label>
      )}
      <button type="submit" class="primary">
        Send to {id}
      </button>
      <p class="problem" role="alert">
        {problem}
      </p>
    </form>
  )
}
