import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import { Type } from 'typebox'
import { Refused } from '../refused.ts'

/** A fastify whose handlers get their types from the route's schema. */
export type Routes = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>

export const NodeParams = Type.Object({ id: Type.String({ maxLength: 64, description: "a node's id" }) })

export const noSuchNode = (id: string): Refused =>
  new Refused('not_found', `no node has the id ${JSON.stringify(id)}; GET /api/nodes lists those there are`)
