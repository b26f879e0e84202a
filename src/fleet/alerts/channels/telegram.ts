import type { TelegramChannel } from '../../../contract/alert-rules.ts'
import type { Channel } from './channel.ts'
import { post } from './post.ts'

/** sendMessage of the bot API as plain text. The token is part of the address, so the address is never shown. */
export const telegram = (config: TelegramChannel): Channel => ({
  target: `chat ${config.chat}`,
  send({ delivery, title, text, url }, signal) {
    const body = JSON.stringify({
      chat_id: config.chat,
      text: [title, text, ...(url ? [url] : [])].join('\n'),
      link_preview_options: { is_disabled: true },
    })
    const headers = { 'x-espalier-delivery': delivery }
    return post({ url: `${config.api}/bot${config.token}/sendMessage`, headers, body, signal, secrets: [config.token] })
  },
})
