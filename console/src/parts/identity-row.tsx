import { useRef } from 'preact/hooks'
import type { Credential, IdentityView } from '../../../src/api/identities.ts'
import { useAct } from '../state/ask.ts'
import { client } from '../state/connection.ts'
import { loadAll, nodes } from '../state/house.ts'
import { Ago } from './ago.tsx'
import { Confirm } from './confirm.tsx'
import { ProblemNote } from './problem-note.tsx'

interface RowProps {
  readonly identity: IdentityView
  readonly gave: (credential: Credential) => void
  readonly changed: () => void
}

/** One credential: who, how it stands, and what can be done about it. */
export function IdentityRow({ identity, gave, changed }: RowProps) {
  const act = useAct()
  const withHistory = useRef<HTMLInputElement>(null)
  const { id, revoked } = identity
  const view = nodes.value.get(id)?.value
  const rotate = async () => {
    const credential = await act.run(() => client.rotateNode(id))
    if (credential) gave(credential)
  }
  const revoke = async () => {
    await act.run(() => client.revokeNode(id))
    changed()
  }
  const remove = async () => {
    await act.run(() => client.removeNode(id, withHistory.current?.checked ? 'delete' : 'keep'))
    await loadAll().catch(() => undefined)
    changed()
  }
  return (
    <li class="identity">
      <div>
        <a href={`/nodes/${id}`}>{view?.name ?? id}</a> {view?.name && <span class="id">{id}</span>}{' '}
        {view?.tags.map(tag => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
        <Facts identity={identity} />
        <ProblemNote error={act.error} />
      </div>
      <div class="row-tools">
        <Confirm
          label={revoked === null ? 'Rotate' : 'Let in again'}
          what={
            revoked === null
              ? `${id} gets a new credential; the old one ends at once, so the board is away until it has the new one.`
              : `${id} gets a new credential.`
          }
          yes="Make a new one"
          act={rotate}
        />
        {revoked === null && (
          <Confirm
            label="Revoke"
            what={`${id} is cut off now and can’t come back with this credential.`}
            yes="Revoke"
            act={revoke}
          />
        )}
        <Confirm
          label="Remove"
          what={`${id} disappears from every list. If it speaks again, that is kept aside.`}
          yes="Remove"
          act={remove}
        >
          <label class="tick">
            <input ref={withHistory} type="checkbox" /> also delete its readings
          </label>
        </Confirm>
      </div>
    </li>
  )
}

function Facts({ identity }: { identity: IdentityView }) {
  const { kind, created, rotated, revoked, expires, last_connected, connected } = identity
  return (
    <p class="dim">
      {revoked !== null ? (
        <strong class="bad">
          ✕ revoked <Ago time={revoked} />
        </strong>
      ) : connected ? (
        <strong class="ok">● connected</strong>
      ) : last_connected === null ? (
        '○ never connected'
      ) : (
        <>
          ○ last connected <Ago time={last_connected} />
        </>
      )}
      , {kind} of <Ago time={rotated ?? created} />
      {expires !== null && <>, valid until {new Date(expires).toLocaleDateString()}</>}
    </p>
  )
}
