import { limits } from '../contract/limits.ts'
import type { NodeConfig } from './command-memory.ts'
import { integerWithin, oneOf, optional, type Param, required, text, within, wrongParam } from './params.ts'

/** The hardware of a virtual node: a LED, outputs, an interval. Commands change it; nothing here knows MQTT or files. */
export interface Board {
  readonly outputs: ReadonlyMap<string, number>
  readonly led: { readonly on: boolean; readonly brightness: number }
  /** Blinks until then, monotonic ms; 0 = does not. */
  readonly identifyUntilMs: number
  intervalS(): number
  readonly config: NodeConfig
  /** Is it a built-in, and are its params right? undefined = yes. */
  refuse(command: string, params: Params, nowMs: number): Refusal | undefined
  /** Does it. Only after `refuse` had nothing to say. */
  run(command: string, params: Params, nowMs: number): Outcome
  /** Runs what is over by now (a pulse); answers when it must be called next, null = never. */
  tick(nowMs: number): number | null
  toSafeState(): void
  /** LED off, outputs safe, interval as configured. */
  powerUp(): void
}

export type Params = Readonly<Record<string, unknown>>
export type Refusal = { readonly code: 'unknown_command' | 'bad_params' | 'busy' | 'hardware'; readonly message: string }

/** What a command led to. `untilMs`: it goes on till then and `done` comes after; `also`: what the node must do beside the ack. */
export interface Outcome {
  readonly result?: unknown
  readonly untilMs?: number
  readonly also?: 'status' | 'reboot'
}

const outputNames = ['relay', 'pump'] as const
const outputName = required(outputNames.join(', '), oneOf(...outputNames))

/** Built-ins and their params (wire contract §5). */
export const builtIns: Readonly<Record<string, Readonly<Record<string, Param>>>> = {
  ping: {},
  get_status: {},
  read_now: {},
  set_interval: { seconds: required('0.1 to 86400', within(0.1, 86_400)) },
  configure: {
    rev: required('a whole number from 0 to 4294967295', integerWithin(0, limits.uint32Max)),
    interval: optional('0.1 to 86400', within(0.1, 86_400)),
    outputs: optional(`an object like {"relay":{"safe":0}} of ${outputNames.join(', ')}`, isOutputConfig),
    safe_after: optional('0 to 86400 seconds', within(0, 86_400)),
  },
  set_led: { state: required('"on" or "off"', oneOf('on', 'off')), brightness: optional('0 to 255', integerWithin(0, 255)) },
  set_output: { name: outputName, value: required('0 or 1', oneOf(0, 1)) },
  pulse_output: { name: outputName, ms: required('1 to 60000', integerWithin(1, 60_000)) },
  identify: { seconds: optional('1 to 60', within(1, 60)) },
  reboot: {},
  update_firmware: {
    url: required('text', text),
    board: required('text', text),
    version: required('text', text),
    size: required('bytes', integerWithin(1, limits.uint32Max)),
    sha256: required('64 hex digits', value => typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)),
    signature: required('text', text),
    force: optional('true or false', oneOf(true, false)),
  },
}

function isOutputConfig(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([name, o]) =>
      oneOf(...outputNames)(name) &&
      typeof o === 'object' &&
      o !== null &&
      oneOf(0, 1)((o as Params).safe) &&
      Object.keys(o).length === 1,
  )
}

export interface BoardOptions {
  readonly intervalS: number
  readonly config: NodeConfig
  /** Seconds since power-up, for `ping`. */
  uptimeS(nowMs: number): number
  /** Takes one reading beside the regular ones, for `read_now`; it is published like any other. */
  takeReading(): Readonly<Record<string, number>>
}

export function createBoard(options: BoardOptions): Board {
  const outputs = new Map<string, number>()
  const pulses = new Map<string, number>()
  let config = options.config
  let intervalS = options.intervalS
  let led = { on: false, brightness: 0 }
  let identifyUntilMs = 0

  const safeValue = (name: string): number => config.safe[name] ?? 0
  const toSafeState = (): void => {
    pulses.clear()
    for (const name of outputNames) outputs.set(name, safeValue(name))
  }
  const powerUp = (): void => {
    led = { on: false, brightness: 0 }
    identifyUntilMs = 0
    intervalS = config.intervalS ?? options.intervalS
    toSafeState()
  }
  powerUp()

  const effects: Readonly<Record<string, (params: Params, nowMs: number) => Outcome>> = {
    ping: (_, nowMs) => ({ result: { uptime: options.uptimeS(nowMs) } }),
    get_status: () => ({ also: 'status' }),
    read_now: () => ({ result: { sensors: options.takeReading() } }),
    set_interval: params => {
      intervalS = params.seconds as number
      return { result: { interval: intervalS }, also: 'status' }
    },
    configure: params => {
      const safe = Object.entries((params.outputs ?? {}) as Record<string, { safe: 0 | 1 }>).map(
        ([name, o]) => [name, o.safe] as const,
      )
      config = {
        rev: params.rev as number,
        intervalS: (params.interval as number | undefined) ?? config.intervalS,
        safe: { ...config.safe, ...Object.fromEntries(safe) },
        safeAfterS: (params.safe_after as number | undefined) ?? config.safeAfterS,
      }
      intervalS = config.intervalS ?? intervalS
      return { result: { rev: config.rev }, also: 'status' }
    },
    set_led: params => {
      const on = params.state === 'on'
      led = { on, brightness: on ? ((params.brightness as number | undefined) ?? (led.brightness || 255)) : 0 }
      return { result: { state: params.state, brightness: led.brightness } }
    },
    set_output: params => {
      pulses.delete(params.name as string)
      outputs.set(params.name as string, params.value as number)
      return { result: { name: params.name, value: params.value } }
    },
    pulse_output: (params, nowMs) => {
      const untilMs = nowMs + (params.ms as number)
      outputs.set(params.name as string, 1)
      pulses.set(params.name as string, untilMs)
      return { untilMs, result: { name: params.name, ms: params.ms } }
    },
    identify: (params, nowMs) => {
      const seconds = (params.seconds as number | undefined) ?? 10
      const untilMs = nowMs + seconds * 1_000
      identifyUntilMs = Math.max(identifyUntilMs, untilMs)
      return { untilMs, result: { seconds } }
    },
    reboot: () => ({ also: 'reboot' }),
  }

  return {
    outputs,
    get led() {
      return led
    },
    get identifyUntilMs() {
      return identifyUntilMs
    },
    get config() {
      return config
    },
    intervalS: () => intervalS,
    refuse(command, params) {
      if (!Object.hasOwn(builtIns, command))
        return {
          code: 'unknown_command',
          message: `${command} is no command of this node, allowed: ${Object.keys(builtIns).join(', ')}`,
        }
      const wrong = wrongParam(params, builtIns[command]!)
      if (wrong) return { code: 'bad_params', message: wrong }
      if (command === 'pulse_output' && pulses.has(params.name as string))
        return { code: 'busy', message: `${params.name} is in a pulse already, try again when it is over` }
      if (command === 'update_firmware') return { code: 'hardware', message: 'a virtual node has no flash to write an image to' }
      return undefined
    },
    run: (command, params, nowMs) => effects[command]!(params, nowMs),
    tick(nowMs) {
      let next: number | null = null
      for (const [name, untilMs] of pulses) {
        if (untilMs <= nowMs) {
          pulses.delete(name)
          outputs.set(name, 0)
        } else next = Math.min(next ?? untilMs, untilMs)
      }
      if (identifyUntilMs > 0 && identifyUntilMs <= nowMs) identifyUntilMs = 0
      return next
    },
    toSafeState,
    powerUp,
  }
}
