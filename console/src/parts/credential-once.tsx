import { useEffect, useState } from 'preact/hooks'
import type { ConnectInfo, Credential } from '../../../src/api/identities.ts'
import { Copyable } from './copyable.tsx'

/** A credential, shown this once: of a password only a hash is kept, of a key nothing. */
export function CredentialOnce({
  credential,
  connect,
  done,
}: {
  credential: Credential
  connect: ConnectInfo | null
  done: () => void
}) {
  const { id } = credential
  return (
    <section class="panel once" aria-labelledby="once-title">
      <h2 id="once-title">{id} may connect now</h2>
      <p>Take this along now: it is shown once and kept nowhere.</p>
      {'password' in credential ? (
        <dl class="secrets">
          <Secret name="User name" text={credential.username} />
          <Secret name="Password" text={credential.password} />
          {connect && <Secret name="Address" text={addressOf(connect)} />}
        </dl>
      ) : (
        <div class="pems">
          <Pem name={`${id}.crt`} text={credential.cert} />
          <Pem name={`${id}.key`} text={credential.key} />
          <Pem name="ca.pem" text={credential.ca} />
        </div>
      )}
      {connect && <Sketches credential={credential} connect={connect} />}
      <button type="button" class="primary" onClick={done}>
        I have it
      </button>
    </section>
  )
}

const addressOf = ({ host, mqtts_port, mqtt_port }: ConnectInfo): string =>
  mqtts_port !== null ? `mqtts://${host}:${mqtts_port}` : `mqtt://${host}:${mqtt_port ?? 1883}`

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

function Sketches(_: { credential: Credential; connect: ConnectInfo }) {
  const [drawn] = useState<string | null>(null)
  useEffect(() => undefined, [])
  return drawn
}
