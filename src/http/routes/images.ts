import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { FirmwareView } from '../../api/firmware.ts'
import { Attempts } from '../attempts.ts'
import { Gate, imagesAtOnce } from '../bounds.ts'
import { byteRange } from '../byte-range.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import type { Routes } from './routes.ts'

/** Wrong tokens an address may show in a minute; a node shows the right one. */
const wrongAtMost = 20

/** What nodes fetch: an image, by the token in its address and nothing else, over TLS alone. Who has no right to it is told nothing: there
 *  is no such thing. */
export function imageRoutes(app: Routes, parts: HttpParts): void {
  const gate = new Gate(imagesAtOnce, 'downloads of firmware')
  const wrong = new Attempts(wrongAtMost)
  const schema = {
    params: Type.Object({ sha256: Type.String({ maxLength: 128 }) }),
    querystring: Type.Object({ t: Type.Optional(Type.String({ maxLength: 128, description: 'the token of one update' })) }),
    security: [],
    produces: ['application/octet-stream'],
    summary: 'An image of firmware, for the node whose update it is; HTTPS only, with single ranges',
  }
  app.get('/fw/:sha256', { schema }, async (request, reply) => {
    const { params, query } = request
    const image = request.protocol === 'https' ? parts.updates.opened(params.sha256, query.t ?? '') : null
    if (image === null) {
      if (wrong.tooMany(request.ip, parts.clock.wallMs())) throw new Refused('too_many', 'wait a minute')
      throw new Refused('not_found', 'there is no such image, or not for you, or not here')
    }
    return send(image, request, reply, gate, parts)
  })
}

function send(image: FirmwareView, request: FastifyRequest, reply: FastifyReply, gate: Gate, parts: HttpParts): FastifyReply {
  const { sha256, size } = image
  const etag = `"${sha256}"`
  const range = byteRange(request.headers.range, request.headers['if-range'] as string | undefined, etag, size)
  reply.headers({ 'accept-ranges': 'bytes', 'cache-control': 'no-store', etag })
  if (range.kind === 'outside') return reply.code(416).header('content-range', `bytes */${size}`).send()
  const { from, to } = range.kind === 'whole' ? { from: 0, to: size } : range
  reply.raw.once('close', gate.enter())
  if (range.kind === 'part') reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${size}`)
  const body = Readable.from(parts.updates.read(sha256, from, to), { objectMode: false })
  // A node that went away is no error of ours; a disk that can't be read is, and cuts the answer short, which the node sees by its length.
  body.once('error', error => (error as NodeJS.ErrnoException).code !== 'ABORT_ERR' && parts.onError(error, 'GET /fw'))
  return reply
    .header('content-length', to - from)
    .type('application/octet-stream')
    .send(body)
}
