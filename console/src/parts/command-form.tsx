import { useState } from 'preact/hooks'
import { type BuiltinName, builtinCommands, isBuiltin, judgeCommand } from '../../../src/contract/commands.ts'
import { spoken } from '../format.ts'
import { useAct } from '../state/ask.ts'
import { client } from '../state/connection.ts'
import { type Field, fieldsOf, paramsOf } from './param-fields.ts'
import { ProblemNote } from './problem-note.tsx'

// An update is chosen from what was added (update-card.tsx): its address and signature are nothing to be typed.
const names = (Object.keys(builtinCommands) as BuiltinName[]).filter(name => name !== 'update_firmware')
// What people come for first; the others in the contract's order.
const first: readonly BuiltinName[] = ['set_led', 'identify', 'ping', 'read_now', 'set_interval']
const sorted = [...first, ...names.filter(name => !first.includes(name))]
const own = 'own'

const freeParams: Field = {
  name: 'params',
  kind: 'json',
  required: false,
  choices: [],
  min: null,
  max: null,
  whole: false,
  initial: '',
  says: 'a JSON object',
}

/** Every command as a form made from its schema in the contract, and one for what a firmware adds. What comes of it is told by the
 *  list below. `outputs`: names the node declared. */
export function CommandForm({ id, outputs }: { id: string; outputs: readonly string[] }) {
  const [kind, setKind] = useState<string>(sorted[0]!)
  const [ownName, setOwnName] = useState('')
  const [filled, setFilled] = useState<Readonly<Record<string, string>>>({})
  const [problem, setProblem] = useState('')
  const act = useAct()
  const fields = isBuiltin(kind) ? fieldsOf(builtinCommands[kind].params) : [freeParams]

  const send = async (event: Event) => {
    event.preventDefault()
    const made = paramsOf(fields, filled)
    if (!made.ok) return setProblem(made.problem)
    const command = isBuiltin(kind) ? kind : ownName
    const params = isBuiltin(kind) ? made.params : ((made.params.params ?? {}) as Record<string, unknown>)
    const fault = isBuiltin(kind) ? judgeCommand(kind, params) : null
    setProblem(fault?.message ?? '')
    if (!fault) await act.run(() => client.send(id, { command, params }))
  }
  return (
    <form class="command-form" onSubmit={send}>
      <label class="field">
        Command
        <select
          value={kind}
          onChange={event => {
            setKind(event.currentTarget.value)
            setFilled({})
            setProblem('')
          }}
        >
          {sorted.map(name => (
            <option key={name} value={name}>
              {spoken(name)}: {builtinCommands[name].summary}
            </option>
          ))}
          <option value={own}>another one, of the board's own firmware</option>
        </select>
      </label>
      {kind === own && (
        <label class="field">
          Name
          <input required maxLength={64} value={ownName} onInput={event => setOwnName(event.currentTarget.value)} />
        </label>
      )}
      {fields.map(field => (
        <ParamField
          key={kind + field.name}
          field={field}
          value={filled[field.name] ?? field.initial}
          set={value => setFilled({ ...filled, [field.name]: value })}
          names={field.name === 'name' ? outputs : []}
        />
      ))}
      <p class="problem" role="alert">
        {problem}
      </p>
      <ProblemNote error={act.error} />
      <button type="submit" class="primary">
        Send to {id}
      </button>
    </form>
  )
}

interface FieldProps {
  readonly field: Field
  readonly value: string
  readonly set: (value: string) => void
  readonly names: readonly string[]
}

function ParamField({ field, value, set, names }: FieldProps) {
  const { name, kind, says, required, min, max, whole } = field
  const onInput = (event: { currentTarget: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement }) =>
    set(event.currentTarget.value)
  const label = (
    <span class="field-head">
      {spoken(name)} {says && <span class="dim">{says}</span>}
      {kind === 'slider' && <output>{value}</output>}
      {!required && kind !== 'slider' && kind !== 'switch' && <span class="dim">optional</span>}
    </span>
  )
  const range = { ...(min !== null && { min }), ...(max !== null && { max }) }
  if (kind === 'choice')
    return (
      <fieldset class="choice">
        <legend>{spoken(name)}</legend>
        {field.choices.map(choice => (
          <button key={choice} type="button" aria-pressed={choice === value} onClick={() => set(choice)}>
            {choice}
          </button>
        ))}
      </fieldset>
    )
  if (kind === 'switch')
    return (
      <label class="tick">
        <input type="checkbox" checked={value === 'true'} onChange={event => set(String(event.currentTarget.checked))} />{' '}
        {spoken(name)}
      </label>
    )
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: one of the four below is its control
    <label class="field">
      {label}
      {kind === 'slider' && <input type="range" {...range} value={value} onInput={onInput} />}
      {kind === 'number' && (
        <input type="number" {...range} step={whole ? 1 : 'any'} required={required} value={value} onInput={onInput} />
      )}
      {kind === 'text' && (
        <input list={names.length > 0 ? `names-of-${name}` : undefined} required={required} value={value} onInput={onInput} />
      )}
      {kind === 'json' && <textarea rows={2} spellcheck={false} value={value} onInput={onInput} />}
      {names.length > 0 && (
        <datalist id={`names-of-${name}`}>
          {names.map(one => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </label>
  )
}
