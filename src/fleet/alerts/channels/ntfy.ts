import type { NtfyChannel } from '../../../contract/alert-rules.ts'
import type { Channel } from './channel.ts'
import { post } from './post.ts'

/** Publishing as JSON to the server's root: headers could not carry a title that is not ASCII (docs.ntfy.sh/publish). */
export const ntfy = (config: NtfyChannel): Channel => ({
  // On a public server whoever knows the topic can read it.
  target: `${config.server}/${config.token === null ? `${config.topic.slice(0, 3)}…` : config.topic}`,
  send({ delivery, event, title, text, url }, signal) {
    const headers = { 'x-espalier-delivery': delivery, ...(config.token && { authorization: `Bearer ${config.token}` }) }
    const body = JSON.stringify({
      topic: config.topic,
      title,
      message: text,
      priority: event === 'firing' ? config.priority : Math.min(3, config.priority),
      tags: [event === 'firing' ? 'warning' : event === 'resolved' ? 'white_check_mark' : 'bell'],
      ...(url && { click: url }),
    })
    return post({ url: `${config.server}/`, headers, body, signal, secrets: [config.token, config.topic] })
  },
})
