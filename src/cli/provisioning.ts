import type { Credential, NodeRotation } from '../api/identities.ts'
import type { ProvisioningDocument } from '../contract/provisioning.ts'
import { nodeIdPattern } from '../contract/topics.ts'
import { type Context, secretOf } from './context.ts'
import { badInput, CliError, exits } from './errors.ts'
import { reachable } from './reachable.ts'

/** What `node provision` and `node flash` give a board: who it is, how it gets here, whose updates it trusts. The credential is made
 *  for it on the way and shown to nobody. */
export interface ProvisioningFlags {
  readonly wifiSsid?: string
  readonly cert?: boolean
  /** false: --no-tls was given. */
  readonly tls: boolean
  readonly yes?: boolean
}

/** Everything that can be refused before a credential is made; `make` then makes it, and the document. */
export interface Provisioning {
  readonly exists: boolean
  make(): Promise<ProvisioningDocument>
}

/** A board that did not take its new password has a while to be tried again with the old one. */
const graceS = 600

export async function prepareProvisioning(context: Context, id: string, flags: ProvisioningFlags): Promise<Provisioning> {
  if (!nodeIdPattern.test(id))
    throw badInput(`"${id}" is no id`, '1 to 32 letters, digits, _ and -, beginning with a letter or digit')
  const wifi = wifiOf(context, flags.wifiSsid)
  const client = await context.client()
  const where = reachable(await client.connect(), flags.tls)
  if (where.ca === null && flags.cert) throw badInput('--cert with --no-tls', 'one of them: a certificate needs TLS')
  const exists = (await client.identities()).some(identity => identity.id === id)
  const updateKey = await client.firmwareKey(true).then(
    key => key.public_key,
    () => undefined,
  )

  return {
    exists,
    async make() {
      const rotation: NodeRotation = { ...(flags.cert !== undefined && { cert: flags.cert }), grace: graceS }
      const credential = exists
        ? await client.rotateNode(id, rotation)
        : await client.addNode({ id, ...(flags.cert && { cert: true }) })
      return {
        id,
        ...(wifi !== undefined && { wifi }),
        broker: {
          url: `${where.ca === null ? 'mqtt' : 'mqtts'}://${host(where.host)}:${where.port}`,
          ca: where.ca ?? '',
          ...proofOf(credential),
        },
        ...(updateKey !== undefined && { update_key: updateKey }),
      }
    },
  }
}

const host = (name: string): string => (name.includes(':') ? `[${name}]` : name)

/** What the board had of the other kind is forgotten. */
const proofOf = (credential: Credential): object =>
  'password' in credential
    ? { user: credential.username, password: credential.password, cert: '', key: '' }
    : { user: '', password: '', cert: credential.cert, key: credential.key }

function wifiOf({ env }: Context, ssid: string | undefined): ProvisioningDocument['wifi'] {
  if (ssid === undefined) return undefined
  if (ssid === '' || Buffer.byteLength(ssid) > 32) throw badInput('--wifi-ssid', 'a name of 1 to 32 bytes')
  const given = env.ESPALIER_WIFI_PASSWORD
  const password = given === '' ? '' : secretOf('ESPALIER_WIFI_PASSWORD', env)
  if (password === undefined)
    throw new CliError(
      exits.usage,
      'bad_input',
      `--wifi-ssid ${ssid} without its password`,
      'put it into a file: ESPALIER_WIFI_PASSWORD_FILE=wifi.txt espalier node …',
      "of an open network: ESPALIER_WIFI_PASSWORD=''",
    )
  const bytes = Buffer.byteLength(password)
  if (bytes > 0 && (bytes < 8 || bytes > 64)) throw badInput(`the Wi-Fi password of ${bytes} bytes`, '8 to 64 bytes, or none')
  return { ssid, password }
}
