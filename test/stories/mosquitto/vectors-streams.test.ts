import { onMosquitto } from './on-mosquitto.ts'

await onMosquitto(() => import('../vectors-streams.test.ts'))
