import { ApiError, Unreachable } from '../../../src/api/client.ts'

/** What went wrong, where, what is allowed and what to do next; nothing when nothing did. */
export function ProblemNote({ error, what }: { error: unknown; what?: string }) {
  if (!error) return null
  if (error instanceof ApiError) return <Refusal error={error} what={what} />
  const text =
    error instanceof Unreachable
      ? 'Espalier does not answer. Does it still run, and is this device in its network?'
      : (error as Error).message
  return (
    <p class="problem" role="alert">
      {text}
    </p>
  )
}

function Refusal({ error, what }: { error: ApiError; what: string | undefined }) {
  const { title, detail, errors = [], type, status } = error.problem
  const code = /^urn:espalier:problem:(.+)$/.exec(type)?.[1]
  // A route that the server does not have is no fault of whoever looks.
  if (status === 404 && detail.includes('is no route'))
    return <p class="dim">This server does not offer {what ?? 'this'}. A newer version does: compare the change log.</p>
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{title}.</strong> {errors.length === 0 && detail}
      </p>
      {errors.map(place => (
        <p key={place.path}>
          <code>{place.path}</code> {place.message}
          {place.allowed && <>; allowed: {place.allowed}</>}
        </p>
      ))}
      {code && (
        <p>
          <a href={`/reference#${code}`}>{code}</a>
        </p>
      )}
    </div>
  )
}
