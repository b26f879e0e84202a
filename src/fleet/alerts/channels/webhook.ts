import { createHmac } from 'node:crypto'
import type { WebhookChannel } from '../../../contract/alert-rules.ts'
import type { Channel, Message } from './channel.ts'
import { post } from './post.ts'

/** The whole message as JSON, signed when there is a secret: X-Espalier-Signature is `sha256=` and the hex HMAC of the body's bytes. */
export function webhook(config: WebhookChannel): Channel {
  const { origin, pathname, search } = new URL(config.url)
  return {
    // Paths of chat services' hooks are their secrets.
    target: pathname === '/' && search === '' ? origin : `${origin}/…`,
    send(message: Message, signal) {
      const body = JSON.stringify(message)
      const headers: Record<string, string> = { 'x-espalier-delivery': message.delivery, 'idempotency-key': message.delivery }
      if (config.authorization !== null) headers.authorization = config.authorization
      if (config.secret !== null)
        headers['x-espalier-signature'] = `sha256=${createHmac('sha256', config.secret).update(body).digest('hex')}`
      const secrets = [config.url, pathname, search, config.secret, config.authorization]
      return post({ url: config.url, headers, body, signal, secrets })
    },
  }
}
