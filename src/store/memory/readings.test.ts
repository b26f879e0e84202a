import { readingsSuite } from '../suite.ts'
import { createMemoryReadings } from './readings.ts'

readingsSuite('readings in memory', { open: async () => createMemoryReadings() })
