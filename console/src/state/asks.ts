import type { ConnectInfo } from '../../../src/api/identities.ts'
import { requester } from '../../../src/api/request.ts'
import type { DoctorReport, MachineView } from '../../../src/api/settings.ts'

/** What single pages ask for, beside the client's functions. */
const api = requester({ url: '' })

export const asks = {
  connect: () => api.get<ConnectInfo>('/api/connect'),
  doctor: () => api.get<DoctorReport>('/api/doctor'),
  machine: () => api.get<MachineView>('/api/machine'),
}
