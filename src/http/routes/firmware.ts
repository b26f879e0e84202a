import { Type } from 'typebox'
import { CommandView } from '../../api/commands.ts'
import { FirmwareAdded, FirmwareKey, FirmwareUpload, FirmwareView, UpdateRequest } from '../../api/firmware.ts'
import { Page } from '../../api/shapes.ts'
import type { UpdateRefusal, UpdateResult } from '../../fleet/fleet.ts'
import { audited, ofPath } from '../audit.ts'
import type { HttpParts } from '../parts.ts'
import { badInput, Refused } from '../refused.ts'
import { NodeParams, noSuchNode, type Routes } from './routes.ts'

const ImageParams = Type.Object({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) })

/** Images of firmware, and updates of single nodes to them. */
export function firmwareRoutes(app: Routes, parts: HttpParts): void {
  const { updates } = parts

  const list = { response: { 200: Page(FirmwareView) }, summary: 'Images of firmware, by board, the highest version first' }
  app.get('/api/firmware', { schema: list }, async () => ({ items: updates.images(), next: null }))

  const make = Type.Optional(Type.Enum(['true', 'false'], { description: 'false: 404 where there never was one' }))
  const key = {
    querystring: Type.Object({ make }, { additionalProperties: false }),
    response: { 200: FirmwareKey },
    summary: 'The public key that nodes are given; made at the first use',
  }
  app.get('/api/firmware/key', { schema: key }, async ({ query }) => valueOrRefused(await updates.key(query.make !== 'false')))

  void app.register(async scope => {
    // Left on the socket: it is read piece by piece, by who keeps it.
    scope.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null))
    const add = {
      querystring: FirmwareUpload,
      takes: ['application/octet-stream'],
      response: { 201: FirmwareAdded },
      summary: 'Add an image: its bytes are the body; refused unless board and version are what the image itself says',
    }
    const adding = audited(
      'firmware.add',
      ({ query }) => subjectOf(query),
      (_, answer) => (answer as FirmwareView).sha256,
    )
    ;(scope as unknown as Routes).post('/api/firmware', { schema: add, config: adding }, async (request, reply) => {
      const pieces = request.raw.iterator({ destroyOnReturn: false })
      const added = await updates.add(request.query, pieces)
      // What was not taken of the body would be taken for the next request.
      if (!added.ok) reply.header('connection', 'close')
      return reply.code(201).send(valueOrRefused(added))
    })
  })

  const remove = { params: ImageParams, summary: 'Remove an image; nodes that run it go on' }
  const removing = audited('firmware.remove', ({ params }) => (params as { sha256: string }).sha256)
  app.delete('/api/firmware/:sha256', { schema: remove, config: removing }, async ({ params }, reply) => {
    valueOrRefused(await updates.remove(params.sha256))
    return reply.code(204).send()
  })

  const update = {
    params: NodeParams,
    body: UpdateRequest,
    response: { 202: CommandView },
    summary: 'Update a node to the image of this version for its board; the command is done when the node runs it, confirmed',
  }
  const updating = audited('node.update', ofPath, ({ body }, answer) => {
    const { version, force } = body as UpdateRequest
    return `${version}${force ? ' with force' : ''} as ${(answer as CommandView).id}`
  })
  app.post('/api/nodes/:id/update', { schema: update, config: updating }, async ({ params, body, caller }, reply) => {
    const by = caller === 'session' ? 'console' : 'api'
    const started = await updates.start(params.id, body, by)
    if (!started.ok && started.why === 'no_such_node') throw noSuchNode(params.id)
    return reply.code(202).send(valueOrRefused(started))
  })
}

const subjectOf = (query: unknown): string => {
  const { board, version } = query as FirmwareUpload
  return `${board} ${version}`
}

function valueOrRefused<T>(result: UpdateResult<T>): T {
  if (result.ok) return result.value
  if (result.why === 'bad_input') throw badInput(result.at ?? '/', result.detail, result.allowed)
  throw new Refused(problemOf[result.why], result.detail)
}

const problemOf = {
  no_such_node: 'not_found',
  no_such_image: 'not_found',
  no_such_key: 'not_found',
  too_large: 'too_large',
  not_set_up: 'not_set_up',
  conflict: 'state_conflict',
  queue_full: 'queue_full',
} as const satisfies Record<Exclude<UpdateRefusal, 'bad_input'>, string>
