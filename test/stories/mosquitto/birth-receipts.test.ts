import { onMosquitto } from './on-mosquitto.ts'

await onMosquitto(() => import('../birth-receipts.test.ts'))
