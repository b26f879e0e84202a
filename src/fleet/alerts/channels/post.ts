import { reasonOf, redacted, type Sent } from './channel.ts'

/** One HTTP POST with a JSON body, judged by its status. Redirects are not followed: credentials stay with the configured host. */
export async function post(request: {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
  /** Never to be repeated in what is said of a failure. */
  readonly secrets: readonly (string | null)[]
}): Promise<Sent> {
  const { url, body, signal, secrets } = request
  let response: Response
  let answer: string
  try {
    const headers = { 'content-type': 'application/json', 'user-agent': 'espalier', ...request.headers }
    response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
    if (response.ok) {
      // Taken, however its answer goes on: waiting for that, and failing at it, would send the message again.
      await response.body?.cancel().catch(() => undefined)
      return { ok: true, detail: `HTTP ${response.status}` }
    }
    answer = await beginning(response)
  } catch (error) {
    return { ok: false, detail: redacted(reasonOf(error), secrets), again: 'soon' }
  }
  const { status } = response
  const detail = redacted(`HTTP ${status}${answer ? `: ${answer}` : ''}`, secrets)
  return { ok: false, detail, ...whenAgain(status, response.headers.get('retry-after')) }
}

function whenAgain(status: number, retryAfter: string | null): { again: 'soon' | 'later' | 'never'; afterMs?: number } {
  const afterMs = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? { afterMs: Number(retryAfter) * 1000 } : {}
  if (status >= 500 || status === 408 || status === 425 || status === 429) return { again: 'soon', ...afterMs }
  // A wrong token, a wrong address: a person mends that, and then it goes through. Anything else is about this body.
  return { again: [301, 302, 303, 307, 308, 401, 403, 404].includes(status) ? 'later' : 'never' }
}

/** The first kilobyte of the answer; the rest is left. */
async function beginning(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (!reader) return ''
  let text = ''
  const decoder = new TextDecoder()
  while (text.length < 1_024) {
    const { done, value } = await reader.read()
    if (done) return text
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel().catch(() => undefined)
  return text.slice(0, 1_024)
}
