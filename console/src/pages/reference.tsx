import { useEffect } from 'preact/hooks'
import { problems } from '../../../src/api/problems.ts'
import { type CodeText, commandErrors, rejects } from '../../../src/contract/codes.ts'
import { notices } from '../../../src/contract/notices.ts'

/** Every code a person can meet here, with what to do about it: made from the same table as the server's own sentences. */
export function Reference() {
  useEffect(() => document.getElementById(location.hash.slice(1))?.scrollIntoView({ block: 'center' }), [])
  return (
    <>
      <h1>Reference</h1>
      <Codes title="Why a message or a reading was not stored" codes={rejects} />
      <Codes title="Why nobody heard a board" codes={notices} />
      <Codes title="Why a node did not do what it was told" codes={commandErrors} />
      <section class="panel codes" aria-label="Why a request was refused">
        <h2>Why a request was refused</h2>
        <dl>
          {Object.entries(problems).map(([code, [status, title]]) => (
            <div key={code} id={code}>
              <dt>
                <code>{code}</code>
              </dt>
              <dd>
                {title}. <span class="dim">HTTP {status}; the answer says what was wrong and what is allowed there.</span>
              </dd>
            </div>
          ))}
        </dl>
      </section>
    </>
  )
}

function Codes({ title, codes }: { title: string; codes: Readonly<Record<string, CodeText>> }) {
  return (
    <section class="panel codes" aria-label={title}>
      <h2>{title}</h2>
      <dl>
        {Object.entries(codes).map(([code, { sentence, allowed, mend }]) => (
          <div key={code} id={code}>
            <dt>
              <code>{code}</code>
            </dt>
            <dd>
              {sentence} {mend} <span class="dim">Allowed: {allowed}.</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
