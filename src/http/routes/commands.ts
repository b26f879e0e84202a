import { Type } from 'typebox'
import { CommandRequest, CommandState, CommandView } from '../../api/commands.ts'
import { Page } from '../../api/shapes.ts'
import { audited, ofPath } from '../audit.ts'
import { keyOf, listQuery, page } from '../pages.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import { NodeParams, noSuchNode, type Routes } from './routes.ts'

const CommandParams = Type.Object({ id: Type.String({ maxLength: 64, description: "a command's id" }) })
const SendHeaders = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'scope: the node; kept 24 h' })),
})

/** What nodes are told. The shape is checked here; what a command means, the node judges. */
export function commandRoutes(app: Routes, parts: HttpParts): void {
  const { commands } = parts.fleet

  const send = {
    params: NodeParams,
    headers: SendHeaders,
    body: CommandRequest,
    response: { 200: CommandView, 202: CommandView },
    summary: 'Send a command; 202 when it is kept, 200 for a repetition under the same Idempotency-Key',
  }
  app.post(
    '/api/nodes/:id/commands',
    { schema: send, config: audited('command.send', ofPath, sentText) },
    async (request, reply) => {
      const key = request.headers['idempotency-key']
      const by = request.caller === 'session' ? 'console' : 'api'
      const sent = await commands.send(request.params.id, request.body, by, key)
      if (sent.ok) return reply.code(sent.repeated ? 200 : 202).send(sent.command)
      if (sent.why === 'no_such_node') throw noSuchNode(request.params.id)
      throw new Refused(problemOf[sent.why], sent.detail)
    },
  )

  const list = {
    querystring: listQuery({ node: Type.Optional(Type.String()), state: Type.Optional(CommandState) }, 100),
    response: { 200: Page(CommandView) },
    summary: 'Commands, newest first',
  }
  app.get('/api/commands', { schema: list }, async ({ query }) => {
    const { limit = 100, node, state } = query
    const before = keyOf(query.cursor)
    const items = commands.list({
      ...(node && { node }),
      ...(state && { state }),
      ...(before !== undefined && { before }),
      limit: limit + 1,
    })
    return page(items, limit, command => command.id)
  })

  const show = { params: CommandParams, response: { 200: CommandView }, summary: 'One command with its evidence' }
  app.get('/api/commands/:id', { schema: show }, async ({ params }) => {
    const command = commands.get(params.id)
    if (!command) throw noSuchCommand(params.id)
    return command
  })

  const cancel = { params: CommandParams, response: { 200: CommandView }, summary: 'Cancel a command that is still queued' }
  app.delete('/api/commands/:id', { schema: cancel, config: audited('command.cancel', ofPath) }, async ({ params }) => {
    const cancelled = await commands.cancel(params.id)
    if (cancelled.ok) return cancelled.command
    if (cancelled.why === 'not_found') throw noSuchCommand(params.id)
    const state = cancelled.command ? `${cancelled.command.state}, attempts ${cancelled.command.attempts}` : 'no longer queued'
    throw new Refused('state_conflict', `the command is ${state}: only one that is queued and was never sent can be cancelled`)
  })
}

/** Without its params: a Wi-Fi password may be among them. */
const sentText = (_: unknown, answer: unknown): string => {
  const { command, id } = answer as CommandView
  return `${command} as ${id}`
}

const problemOf = {
  queue_full: 'queue_full',
  too_large: 'too_large',
  conflict: 'key_conflict',
  bad_request: 'bad_request',
} as const

const noSuchCommand = (id: string): Refused => new Refused('not_found', `no command has the id ${JSON.stringify(id)}`)
