import type { AlertChannel } from '../../../contract/alert-rules.ts'
import type { Channel } from './channel.ts'
import { email } from './email.ts'
import { ntfy } from './ntfy.ts'
import { telegram } from './telegram.ts'
import { webhook } from './webhook.ts'

export function createChannel(config: AlertChannel): Channel {
  switch (config.type) {
    case 'webhook':
      return webhook(config)
    case 'email':
      return email(config)
    case 'ntfy':
      return ntfy(config)
    case 'telegram':
      return telegram(config)
  }
}
