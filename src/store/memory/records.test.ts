import { recordsSuite } from '../records-suite.ts'
import { createMemoryRecords } from './records.ts'

recordsSuite('memory', async () => {
  const records = createMemoryRecords()
  return { records, remove: () => records.close() }
})
