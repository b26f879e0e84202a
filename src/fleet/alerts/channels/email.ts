import type { EmailChannel } from '../../../contract/alert-rules.ts'
import { type Channel, type Message, reasonOf, redacted, type Sent } from './channel.ts'

const patienceMs = 10_000

/** SMTP. Certificates are always checked, and STARTTLS is insisted on where it is configured. */
export const email = (config: EmailChannel): Channel => ({
  target: `${config.to.join(', ')} by ${config.host}:${config.port}`,
  async send(message, signal) {
    // Loaded when the first mail is sent: most houses never send one.
    const { createTransport } = await import('nodemailer')
    const transport = createTransport({
      host: config.host,
      port: config.port,
      secure: config.security === 'tls',
      requireTLS: config.security === 'starttls',
      ignoreTLS: config.security === 'none',
      ...(config.user !== null && { auth: { user: config.user, pass: config.password! } }),
      connectionTimeout: patienceMs,
      greetingTimeout: patienceMs,
      socketTimeout: patienceMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    const cut = (): void => transport.close()
    signal.addEventListener('abort', cut, { once: true })
    try {
      const info = await untilAborted(transport.sendMail(mail(config, message)), signal)
      return { ok: true, detail: redacted(info.response, [config.password]) }
    } catch (error) {
      return failed(error, config)
    } finally {
      signal.removeEventListener('abort', cut)
      transport.close()
    }
  },
})

/** The same Message-ID for the same delivery: mail programs show a repeated one once. What belongs to one alert is one thread. */
function mail(config: EmailChannel, message: Message) {
  const domain = config.sender.slice(config.sender.lastIndexOf('@') + 1)
  const thread = message.alert === null ? null : `<alert-${message.alert.id}@${domain}>`
  return {
    from: { name: message.site, address: config.sender },
    to: [...config.to],
    subject: message.title,
    text: [message.text, ...(message.url ? ['', message.url] : [])].join('\n'),
    messageId: `<${message.delivery}@${domain}>`,
    date: new Date(message.time),
    ...(thread && { references: thread, inReplyTo: thread }),
    headers: { 'X-Espalier-Delivery': message.delivery, 'Auto-Submitted': 'auto-generated' },
  }
}

function failed(error: unknown, config: EmailChannel): Sent {
  const { responseCode, code } = error as { responseCode?: number; code?: string }
  const detail = redacted(reasonOf(error), [config.password])
  // 4xx of SMTP is for now, 5xx for good (RFC 5321 §4.2.1): a refused sign-in or address is a person's to mend.
  const lasting = (responseCode !== undefined && responseCode >= 500) || code === 'EAUTH'
  return { ok: false, detail, again: lasting ? 'later' : 'soon' }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new DOMException('no answer in time', 'TimeoutError'))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
