/** Commands carry secrets only under `params.network` (a new password of the broker or the Wi-Fi, a private key). The node gets them;
 *  nobody else does: wherever a command is shown or kept for long, this stands in their place. */
export const hidden = '…'

const secretKeys = new Set(['password', 'psk', 'key', 'private_key', 'cert_key', 'client_key', 'token', 'secret'])

/** Params as anybody may see them: the same object where there is nothing to hide. */
export function withoutSecrets(params: Record<string, unknown>): Record<string, unknown> {
  return hasSecrets(params) ? { ...params, network: hide(params.network) } : params
}

export const hasSecrets = (params: Record<string, unknown>): boolean => holds(params.network)

/** A payload as it goes over the wire, for logs and feeds: without the secrets of a command. The same text where there are none. */
export function payloadWithoutSecrets(topic: string, payload: string): string {
  if (!topic.endsWith('/command') || !payload.includes('network')) return payload
  try {
    const command = JSON.parse(payload)
    if (!isObject(command) || !isObject(command.params) || !hasSecrets(command.params)) return payload
    return JSON.stringify({ ...command, params: withoutSecrets(command.params) })
  } catch {
    return payload
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whatever stands under such a name: a text, a number, an object. Nothing (null, "") is no secret. */
function holds(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holds)
  if (!isObject(value)) return false
  return Object.entries(value).some(([name, inner]) => (isSecret(name, inner) ? inner !== hidden : holds(inner)))
}

const isSecret = (name: string, value: unknown): boolean => secretKeys.has(name.toLowerCase()) && value !== null && value !== ''

function hide(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hide)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, isSecret(name, inner) ? hidden : hide(inner)]))
}
