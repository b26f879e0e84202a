import type { Client } from '../../api/client.ts'
import type { CommandView } from '../../api/commands.ts'
import type { NodeDetail } from '../../api/nodes.ts'
import type { Context } from '../context.ts'
import { badInput, CliError, type Exit, exits } from '../errors.ts'
import { localTime } from '../output.ts'
import { commandText } from './commands.ts'
import { exitOf, settled } from './send.ts'

/** `node rotate --push`: a new password that the node itself puts in place of its own. It tries it beside the old one and goes back if it
 *  leads nowhere, so the old one must stay valid meanwhile: that is the grace. */
export async function push(context: Context, id: string, graceS: number): Promise<Exit> {
  const { out } = context
  const client = await context.client()
  const rev = await nextRev(client, id)
  const credential = await client.rotateNode(id, { grace: graceS })
  if (!('password' in credential)) throw certificate(id)
  const { username, password } = credential
  const params = { rev, network: { broker: { user: username, password } } }
  const last = await settled(context, await client.send(id, { command: 'configure', params }), pushMs)
  out.result(last, () => commandText(last, out.style))
  out.message(await whatNow(client, id, last))
  return exitOf(last.state)
}

/** Trying takes a node up to two minutes, and as long again to come back to the old. */
const pushMs = 300_000

/** Everything that could refuse is asked before the credential is made. */
async function nextRev(client: Client, id: string): Promise<number> {
  const detail = await client.node(id)
  const identity = (await client.identities()).find(known => known.id === id)
  if (identity?.kind === 'certificate') throw certificate(id)
  if (!reachable(detail))
    throw new CliError(
      exits.refused,
      'not_reachable',
      `${id} is ${detail.state}: there is nobody to push it to`,
      `a new password without pushing it: espalier node rotate ${id} --grace 10m`,
    )
  const rev = detail.status?.config_rev
  return (typeof rev === 'number' ? rev : 0) + 1
}

const reachable = ({ state }: NodeDetail): boolean => state === 'online' || state === 'late'

const certificate = (id: string): CliError =>
  badInput(
    `${id} has a client certificate; --push`,
    'a node with a password',
    `at the cable: espalier node provision ${id} --cert --port …`,
  )

async function whatNow(client: Client, id: string, { state }: CommandView): Promise<string> {
  const until = (await client.identities()).find(known => known.id === id)?.grace_until ?? null
  if (state === 'done' || until === null) return `${id} uses its new password; the old one is invalid.`
  return `${id} still has its old password, which is valid until ${localTime(until)} or until the new one is used. Once more: espalier node rotate ${id} --push`
}
