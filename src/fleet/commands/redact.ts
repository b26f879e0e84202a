import type { CommandView } from '../../api/commands.ts'
import { withoutSecrets } from '../../contract/secrets.ts'
import type { KeptCommand } from './proof.ts'

/** A command as everybody may see it: its node gets the params as they are, nobody else gets the secrets in them. */
export function shown({ claimed: _, ...command }: KeptCommand): CommandView {
  if (command.command !== 'update_firmware') return { ...command, params: withoutSecrets(command.params) }
  const { url } = command.params
  return typeof url === 'string' ? { ...command, params: { ...command.params, url: withoutToken(url) } } : command
}

/** `?t=…` opens the image until the update is over. */
export const withoutToken = (url: string): string => url.replace(/([?&]t=)[^&#]*/g, '$1…')
