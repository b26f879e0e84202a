import { ConnectInfo } from '../../api/identities.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import type { Routes } from './routes.ts'

/** Where boards find this house, and whom they trust. */
export function connectRoutes(app: Routes, parts: HttpParts): void {
  const schema = { response: { 200: ConnectInfo }, summary: 'What a board needs besides its credential: address, ports, CA' }
  app.get('/api/connect', { schema }, async () => parts.connect())

  // Without the token: a phone needs it before it can sign in, and a certificate is no secret. With this type a phone offers to install it.
  app.get('/ca.pem', { schema: { hide: true } }, async (_, reply) => {
    const { ca } = parts.connect()
    if (ca === null) throw new Refused('not_found', 'there is no own CA: it is made by espalier up --lan')
    return reply
      .type('application/x-x509-ca-cert')
      .header('content-disposition', 'attachment; filename="espalier-ca.pem"')
      .send(ca)
  })
}
