import { Type } from 'typebox'
import { AlertChannelView, AlertRuleView, AlertState, AlertView, ChannelTest, Silence } from '../../api/alerts.ts'
import { Page } from '../../api/shapes.ts'
import { audited, ofPath } from '../audit.ts'
import { keyOf, listQuery, page, pageAfter } from '../pages.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import { noSuchNode, type Routes } from './routes.ts'

const filters = { state: Type.Optional(AlertState), node: Type.Optional(Type.String({ maxLength: 64 })) }
const ChannelParams = Type.Object({ name: Type.String({ maxLength: 64, description: "a channel's name" }) })

/** What is wrong, which rules say so, and where it is told. */
export function alertRoutes(app: Routes, { alerts, fleet }: HttpParts): void {
  const list = {
    querystring: listQuery(filters, 100),
    response: { 200: Page(AlertView) },
    summary: 'Alerts that are pending or firing, and those that were resolved lately, newest first',
  }
  app.get('/api/alerts', { schema: list }, async ({ query }) => {
    const { limit = 100, state, node } = query
    const before = keyOf(query.cursor)
    const found = alerts.list({
      ...(state !== undefined && { state }),
      ...(node !== undefined && { node }),
      ...(before !== undefined && { before }),
      limit: limit + 1,
    })
    return page(found, limit, alert => alert.id)
  })

  const rules = { querystring: listQuery({}, 1000), response: { 200: Page(AlertRuleView) }, summary: 'Rules in force, by name' }
  app.get('/api/alerts/rules', { schema: rules }, async ({ query }) =>
    pageAfter(alerts.rules(), { limit: query.limit ?? 1000, cursor: query.cursor }, rule => rule.name),
  )

  const channels = {
    querystring: listQuery({}, 1000),
    response: { 200: Page(AlertChannelView) },
    summary: 'Where alerts are told, by name',
  }
  app.get('/api/alerts/channels', { schema: channels }, async ({ query }) =>
    pageAfter(alerts.channels(), { limit: query.limit ?? 1000, cursor: query.cursor }, channel => channel.name),
  )

  const test = { params: ChannelParams, response: { 200: ChannelTest }, summary: 'Send a test message and say what became of it' }
  const testing = audited('alerts.test', ofPath, (_, answer) => ((answer as ChannelTest).ok ? 'delivered' : 'not delivered'))
  app.post('/api/alerts/channels/:name/test', { schema: test, config: testing }, async ({ params }) => {
    const result = await alerts.test(params.name)
    if (result) return result
    const known = alerts.channels().map(channel => channel.name)
    throw new Refused(
      'not_found',
      `no channel is called ${JSON.stringify(params.name)}; ${known.length > 0 ? `there are: ${known.join(', ')}` : 'there is none: see alerts.channels in espalier.yaml'}`,
    )
  })

  const silence = {
    body: Silence,
    response: { 204: Type.Null() },
    summary: 'Tell nothing of a rule (at one node) for some time; 0 seconds end a silence',
  }
  const silencing = audited(
    'alerts.silence',
    ({ body }) => (body as Silence | undefined)?.rule ?? null,
    ({ body }) => silenceText(body as Silence),
  )
  app.post('/api/alerts/silences', { schema: silence, config: silencing }, async ({ body }, reply) => {
    // A silence may outlive its node, but none begins at a node that is only a slip of the finger.
    if (body.node !== undefined && body.seconds > 0 && !fleet.node(body.node)) throw noSuchNode(body.node)
    if (await alerts.silence(body)) return reply.code(204).send(null)
    const known = alerts.rules().map(rule => rule.name)
    throw new Refused('not_found', `no rule is called ${JSON.stringify(body.rule)}; there are: ${known.join(', ') || 'none'}`)
  })
}

const silenceText = ({ node, seconds }: Silence): string =>
  `${seconds === 0 ? 'ended' : `for ${seconds} s`}${node === undefined ? '' : `, node ${node}`}`
