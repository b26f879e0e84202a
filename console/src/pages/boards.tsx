import { useState } from 'preact/hooks'
import type { Credential, IdentityView } from '../../../src/api/identities.ts'
import { AddBoard } from '../parts/add-board.tsx'
import { Ago } from '../parts/ago.tsx'
import { CredentialOnce } from '../parts/credential-once.tsx'
import { IdentityRow } from '../parts/identity-row.tsx'
import { Claim } from '../parts/node-head.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { type Answer, arrived, useAnswer } from '../state/ask.ts'
import { asks } from '../state/asks.ts'
import { client } from '../state/connection.ts'
import { nodes } from '../state/house.ts'

/** Which boards may speak: add one, take in one that spoke by itself, change or take away a credential. */
export function Boards() {
  const identities = useAnswer(client.identities, [nodes.value], 15_000)
  const connect = useAnswer(asks.connect, [])
  const [fresh, setFresh] = useState<Credential | null>(null)
  const gave = (credential: Credential) => {
    setFresh(credential)
    identities.reload()
    scrollTo({ top: 0 })
  }
  if (!arrived(identities, connect)) return <Waiting rows={10} />
  return (
    <>
      <h1>Boards</h1>
      {fresh && <CredentialOnce key={fresh.id} credential={fresh} connect={connect.value} done={() => setFresh(null)} />}
      <div class="halves">
        <AddBoard
          gave={gave}
          lan={connect.value === null || connect.value.mqtts_port !== null || connect.value.mqtt_port !== null}
        />
        <Unclaimed />
      </div>
      <Identities identities={identities} gave={gave} />
    </>
  )
}

/** Who spoke without being added. */
function Unclaimed() {
  const list = [...nodes.value.values()].map(node => node.value).filter(view => !view.claimed && !view.virtual)
  return (
    <section class="panel" aria-labelledby="unclaimed-title">
      <h2 id="unclaimed-title">Not yours yet</h2>
      {list.length === 0 ? (
        <p class="dim">A board that speaks without having been added waits here for one click.</p>
      ) : (
        <ul class="unclaimed">
          {list.map(view => (
            <li key={view.id}>
              <a href={`/nodes/${view.id}`}>{view.name ?? view.id}</a> <StateMark state={view.state} />{' '}
              <span class="dim">
                first heard <Ago time={view.first_seen} />
                {view.ip && ` from ${view.ip}`}
              </span>
              <Claim id={view.id} />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Identities({ identities, gave }: { identities: Answer<IdentityView[]>; gave: (credential: Credential) => void }) {
  const list = identities.value
  return (
    <section class="panel" aria-labelledby="identities-title">
      <h2 id="identities-title">Who may connect</h2>
      <ProblemNote error={identities.error} what="identities" />
      {list?.length === 0 && <p class="dim">No board has a credential yet. Add the first one above.</p>}
      {list && list.length > 0 && (
        <ul class="identities">
          {list.map(identity => (
            <IdentityRow key={identity.id} identity={identity} gave={gave} changed={identities.reload} />
          ))}
        </ul>
      )}
    </section>
  )
}
