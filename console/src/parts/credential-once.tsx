import { useEffect, useRef } from 'preact/hooks'
import type { ConnectInfo, Credential } from '../../../src/api/identities.ts'
import { type Reachable, whereReachable } from '../../../src/api/sketch/board.ts'
import { Copyable } from './copyable.tsx'
import { Programs } from './programs.tsx'

interface OnceProps {
  readonly credential: Credential
  readonly connect: ConnectInfo | null
  readonly done: () => void
}

/** A credential, shown this once: of a password only a hash is kept, of a key nothing. */
export function CredentialOnce({ credential, connect, done }: OnceProps) {
  const { id } = credential
  const where = connect && whereReachable(connect, true)
  const title = useRef<HTMLHeadingElement>(null)
  // It appears above the button that made it.
  useEffect(() => title.current?.focus({ preventScroll: true }), [])
  return (
    <section class="panel once" aria-labelledby="once-title">
      <h2 id="once-title" ref={title} tabIndex={-1}>
        {id} may connect now
      </h2>
      <p>Take this along: it is shown once and kept nowhere. When the board speaks, this page says so.</p>
      {'password' in credential ? (
        <dl class="secrets">
          <Secret name="User name" text={credential.username} />
          <Secret name="Password" text={credential.password} />
          {where && <Secret name="Address" text={addressOf(where)} />}
          {where?.ca && connect?.ca_sha256 && <Secret name="SHA-256 of the CA" text={connect.ca_sha256} />}
        </dl>
      ) : (
        <div class="pems">
          <Pem name={`${id}.pem`} text={credential.cert} />
          <Pem name={`${id}-key.pem`} text={credential.key} />
          <Pem name="ca.pem" text={credential.ca} />
        </div>
      )}
      {where && connect && <Programs credential={credential} where={where} connect={connect} />}
      <button type="button" class="primary" onClick={done}>
        I have it
      </button>
    </section>
  )
}

const addressOf = ({ host, port, ca }: Reachable): string => `${ca === null ? 'mqtt' : 'mqtts'}://${host}:${port}`

function Secret({ name, text }: { name: string; text: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Copyable text={text} />
      </dd>
    </div>
  )
}

function Pem({ name, text }: { name: string; text: string }) {
  return (
    <a class="second" download={name} href={`data:application/x-pem-file,${encodeURIComponent(text)}`}>
      {name}
    </a>
  )
}
