import { onMosquitto } from './on-mosquitto.ts'

await onMosquitto(() => import('../foreign-nodes.test.ts'))
