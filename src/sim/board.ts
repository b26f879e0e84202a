import { builtinCommands, isBuiltin, judgeCommand } from '../contract/commands.ts'
import type { NodeConfig } from './command-memory.ts'

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

/** What can be switched. */
const outputNames: readonly string[] = ['relay', 'pump']

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
      const safe = Object.entries((params.outputs ?? {}) as Record<string, { safe: number }>).map(
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
      if (!isBuiltin(command))
        return {
          code: 'unknown_command',
          message: `${command} is no command of this node, allowed: ${Object.keys(builtinCommands).join(', ')}`,
        }
      const wrong = judgeCommand(command, params)
      if (wrong) return wrong
      if (command === 'update_firmware') return { code: 'hardware', message: 'a virtual node has no flash to write an image to' }
      const unknown = outputsIn(command, params).find(name => !outputNames.includes(name))
      if (unknown !== undefined)
        return { code: 'bad_params', message: `${unknown} is no output of this node, allowed: ${outputNames.join(', ')}` }
      if (command === 'pulse_output' && pulses.has(params.name as string))
        return { code: 'busy', message: `${params.name} is in a pulse already, try again when it is over` }
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

/** The outputs that a command, right in form, wants to switch or configure. */
function outputsIn(command: string, params: Params): string[] {
  if (command === 'set_output' || command === 'pulse_output') return [params.name as string]
  return command === 'configure' ? Object.keys((params.outputs ?? {}) as object) : []
}
