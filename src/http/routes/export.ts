import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { ExportQuery } from '../../api/export.ts'
import type { Row, ExportQuery as StoreQuery } from '../../store/readings.ts'
import { exportsAtOnce, Gate } from '../bounds.ts'
import { csvEncoder, jsonlEncoder, type TextEncoder } from '../export-text.ts'
import type { HttpParts } from '../parts.ts'
import { badInput } from '../refused.ts'
import { rollupColumns, rollupCsv, rollupJsonl, rollupsAsRows } from '../rollup-text.ts'
import { timeOf } from '../times.ts'
import { noSuchNode, type Routes } from './routes.ts'

/** All that is stored, streamed: the rows come from the store chunk by chunk, at the pace the client takes them. */
export function exportRoutes(app: Routes, parts: HttpParts): void {
  const gate = new Gate(exportsAtOnce, 'exports')
  const schema = {
    querystring: ExportQuery,
    produces: ['text/csv', 'application/jsonl', 'application/vnd.apache.parquet'],
    summary: 'Every reading acknowledged before the request began, by time and node',
  }
  app.get('/api/export', { schema }, async ({ query }, reply) => {
    const asked = storeQuery(query, parts)
    reply.raw.once('close', gate.enter())
    const format = query.format ?? 'csv'
    const rollup = query.rollup ?? 'raw'
    reply.header('content-disposition', `attachment; filename="espalier.${format}"`)
    const names = (): string[] => columns(asked, parts)
    if (rollup === 'raw') {
      const rows = parts.store.export(asked)
      if (format === 'parquet') return sendParquet(reply, rows, names(), true, parts)
      return sendText(reply, rows, () => (format === 'csv' ? csvEncoder(names()) : jsonlEncoder()))
    }
    const rows = parts.store.exportRollups(asked, rollup)
    if (format === 'parquet') return sendParquet(reply, rollupsAsRows(rows), rollupColumns(names()), false, parts)
    return sendText(reply, rows, () => (format === 'csv' ? rollupCsv(names()) : rollupJsonl()))
  })
}

function storeQuery(query: ExportQuery, parts: HttpParts): StoreQuery {
  const now = parts.clock.wallMs()
  const nodes = namesOf(query.node)
  // A removed node whose history was kept is in no registry, but still has fields.
  for (const id of nodes ?? []) if (!parts.fleet.node(id) && parts.store.fieldNames(id).length === 0) throw noSuchNode(id)
  const from = query.from === undefined ? null : timeOf('/from', query.from, now)
  const to = query.to === undefined ? null : timeOf('/to', query.to, now)
  if (from !== null && to !== null && from > to) throw badInput('/from', 'is after `to`', 'a time not after `to`')
  return { nodes, sensors: namesOf(query.sensor), from, to }
}

/** `a,b` or repeated, or both; null = all. */
function namesOf(value: string | readonly string[] | undefined): string[] | null {
  const names = (typeof value === 'string' ? [value] : (value ?? [])).flatMap(text => text.split(',')).filter(name => name !== '')
  return names.length === 0 ? null : [...new Set(names)]
}

/** The first rows are waited for before anything is answered: a store that can't read says so with a status, not a torn file,
 *  and the header, made after them, knows every name they use. */
async function sendText<T>(
  reply: FastifyReply,
  rows: AsyncIterable<readonly T[]>,
  encoderAfter: () => TextEncoder<T>,
): Promise<FastifyReply> {
  const chunks = rows[Symbol.asyncIterator]()
  const first = await chunks.next()
  const encoder = encoderAfter()
  return reply.type(encoder.contentType).send(Readable.from(text(first, chunks, encoder), { objectMode: false }))
}

async function* text<T>(
  first: IteratorResult<readonly T[]>,
  rest: AsyncIterator<readonly T[]>,
  encoder: TextEncoder<T>,
): AsyncGenerator<string, void> {
  try {
    if (encoder.header) yield encoder.header
    for (let chunk = first; !chunk.done; chunk = await rest.next()) if (chunk.value.length > 0) yield encoder.encode(chunk.value)
  } finally {
    // A client that went away early: the store may let go of what it holds for this export.
    await rest.return?.()
  }
}

/** The header stands before the first row: every name the chosen nodes ever used, or those that were asked for. */
function columns(asked: StoreQuery, parts: HttpParts): string[] {
  const names = asked.sensors ?? (asked.nodes ?? parts.store.nodes()).flatMap(id => [...parts.store.fieldNames(id)])
  return [...new Set(names)].sort()
}

/** The file is made whole before its first byte leaves, so a store that can't read answers with a status here too. */
async function sendParquet(
  reply: FastifyReply,
  rows: AsyncIterable<readonly Row[]>,
  names: readonly string[],
  numbered: boolean,
  parts: HttpParts,
): Promise<FastifyReply> {
  if (!parts.store.parquetOf) throw badInput('/format', 'is parquet, which this store does not write', 'csv, jsonl')
  const bytes = parts.store.parquetOf(rows, names, { numbered })[Symbol.asyncIterator]()
  const first = await bytes.next()
  return reply.type('application/vnd.apache.parquet').send(Readable.from(joined(first, bytes), { objectMode: false }))
}

async function* joined(first: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    for (let chunk = first; !chunk.done; chunk = await rest.next()) yield chunk.value
  } finally {
    await rest.return?.()
  }
}
