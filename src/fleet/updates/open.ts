import type { CommandView } from '../../api/commands.ts'
import type { UpdateRequest } from '../../api/firmware.ts'
import { keyFingerprint } from '../../kit/signing-key.ts'
import { commandsCollection } from '../commands/writes.ts'
import { addImage } from './adding.ts'
import { choose, inOrder } from './choose.ts'
import { Grants } from './grants.ts'
import { KeyAway, type UpdateResult, type Updates, type UpdatesParts } from './updates.ts'

/** Fetching, checking and the trial of a big image over a weak radio link; a command of another kind gets 300 s. */
const updateTakesS = 1_800
const tokenBytes = 32
const earlierLooked = 1_000

export async function openUpdates(parts: UpdatesParts): Promise<Updates> {
  const { fleet, images, keys, clock } = parts
  const grants = new Grants()
  for await (const [, command] of parts.records.list<CommandView>(commandsCollection))
    if (command.command === 'update_firmware' && command.final_at === null) grants.take(command)
  let refused = 0

  const isOver = (id: string): boolean => {
    const command = fleet.commands.get(id)
    return command === undefined || command.final_at !== null || command.expires <= clock.wallMs()
  }

  /** Two at once for one node would both find none under way. */
  const starting = new Set<string>()

  async function start(node: string, request: UpdateRequest, by: string): Promise<UpdateResult<CommandView>> {
    const view = fleet.node(node)
    if (view === undefined) return { ok: false, why: 'no_such_node', detail: `no node ${node}` }
    const at = parts.address(node)
    if (at === null) {
      const detail = 'nodes fetch firmware over HTTPS, and nothing listens there: start with espalier up --lan'
      return { ok: false, why: 'not_set_up', detail }
    }
    const confirmed = (fleet.described(node)?.firmware as { confirmed?: boolean } | undefined)?.confirmed ?? null
    const earlier = fleet.commands.list({ node, limit: earlierLooked }).filter(({ command }) => command === 'update_firmware')
    const situation = { node, board: view.board, version: view.firmware, confirmed, images: images.list(), earlier }
    const chosen = choose(situation, request)
    if (!chosen.ok) return chosen
    const { board, version, size, sha256, signature } = chosen.value
    const token = Buffer.alloc(tokenBytes)
    parts.random(token)
    const url = `https://${at.host}:${at.port}/fw/${sha256}?t=${token.toString('base64url')}`
    const params = { url, board, version, size, sha256, signature, ...(request.force && { force: true }) }
    const sent = await fleet.commands.send(
      node,
      { command: 'update_firmware', params, expires: request.expires ?? updateTakesS },
      by,
    )
    if (!sent.ok) return { ok: false, why: refusalOf[sent.why], detail: sent.detail }
    grants.sweep(isOver)
    grants.take({ id: sent.command.id, params })
    return { ok: true, value: sent.command }
  }

  return {
    images: () => inOrder(images.list()),
    async key(make) {
      try {
        if (!make && !(await keys.exists()))
          return { ok: false, why: 'no_such_key', detail: 'no key that signs firmware was made yet' }
        const { publicKey, sign } = await keys.open()
        return { ok: true, value: { public_key: publicKey, sha256: keyFingerprint(publicKey), private_here: sign !== null } }
      } catch (error) {
        if (error instanceof KeyAway) return { ok: false, why: 'not_set_up', detail: error.message }
        throw error
      }
    },
    add: (upload, pieces) => addImage(parts, upload, pieces),
    async remove(sha256) {
      const image = images.get(sha256)
      if (image === undefined) return { ok: false, why: 'no_such_image', detail: `no image has the SHA-256 ${sha256}` }
      const underWay = fleet.commands
        .list({ limit: earlierLooked })
        .find(({ params, final_at, command }) => command === 'update_firmware' && final_at === null && params.sha256 === sha256)
      if (underWay !== undefined)
        return { ok: false, why: 'conflict', detail: `${underWay.node} is being updated to it (command ${underWay.id})` }
      await images.remove(sha256)
      return { ok: true, value: image }
    },
    async start(node, request, by) {
      if (starting.has(node)) return { ok: false, why: 'conflict', detail: `an update of ${node} is being started already` }
      starting.add(node)
      try {
        return await start(node, request, by)
      } finally {
        starting.delete(node)
      }
    },
    opened(sha256, token) {
      const grant = grants.find(token)
      const image = grant?.sha256 === sha256 && !isOver(grant.command) ? images.get(sha256) : undefined
      if (image === undefined) refused++
      return image ?? null
    },
    read: (sha256, from, to) => images.read(sha256, from, to),
    refused: () => refused,
  }
}

const refusalOf = {
  no_such_node: 'no_such_node',
  queue_full: 'queue_full',
  too_large: 'too_large',
  conflict: 'conflict',
  bad_request: 'bad_input',
} as const
