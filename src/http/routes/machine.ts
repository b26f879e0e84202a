import { DoctorReport, MachineView } from '../../api/settings.ts'
import type { HttpParts } from '../parts.ts'
import type { Routes } from './routes.ts'

/** The machine under it all, and what a person should look after. */
export function machineRoutes(app: Routes, parts: HttpParts): void {
  const machine = { response: { 200: MachineView }, summary: 'Disk, memory, certificates and how much is kept' }
  app.get('/api/machine', { schema: machine }, async () => parts.machine())

  const doctor = { response: { 200: DoctorReport }, summary: 'What needs a hand, each with what to do' }
  app.get('/api/doctor', { schema: doctor }, async () => parts.doctor())
}
