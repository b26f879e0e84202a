import { onMosquitto } from './on-mosquitto.ts'

await onMosquitto(() => import('../first-minutes.test.ts'))
