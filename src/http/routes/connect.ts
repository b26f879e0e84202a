import { ConnectInfo } from '../../api/identities.ts'
import type { HttpParts } from '../parts.ts'
import type { Routes } from './routes.ts'

/** Where boards find this house, and whom they trust. */
export function connectRoutes(app: Routes, parts: HttpParts): void {
  const schema = { response: { 200: ConnectInfo }, summary: 'What a board needs besides its credential: address, ports, CA' }
  app.get('/api/connect', { schema }, async () => parts.connect())
}
