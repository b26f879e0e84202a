import { type TObject, type TSchema, Type } from 'typebox'
import { commandErrorDetail } from './codes.ts'
import { type Fault, firstFault } from './fault.ts'
import { limits } from './limits.ts'

/** The built-in commands (wire contract §5): their params and what their `done` brings back. Virtual nodes judge params by them;
 *  CLI and console make help and forms of them; firmware has its own judge, held by the same vectors. */
export interface BuiltinCommand {
  readonly summary: string
  readonly params: TObject
  /** null: not fixed by the contract. */
  readonly result: TSchema | null
  /** Acked `accepted` before it runs and `done` only after the birth of a new boot. */
  readonly overReboot: boolean
}

const closed = { additionalProperties: false }
const none = Type.Object({}, closed)
const OutputName = Type.String({ minLength: 1, maxLength: 64 })
const OutputValue = Type.Number({ minimum: 0, maximum: 1 })
const Interval = Type.Number({ minimum: 0.1, maximum: 86_400, description: 'seconds' })

const command = (summary: string, params: TObject, result: TSchema | null = null): BuiltinCommand => ({
  summary,
  params,
  result,
  overReboot: false,
})

export const builtinCommands = {
  ping: command('answers with its uptime', none, Type.Object({ uptime: Type.Number({ description: 'seconds' }) })),
  get_status: command('publishes its status', none),
  read_now: command(
    'takes and publishes one reading',
    none,
    Type.Object({ sensors: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.Null()])) }),
  ),
  set_interval: command('sets the time between readings until the next reboot', Type.Object({ seconds: Interval }, closed)),
  configure: command(
    'sets the configuration for good; the status then says config_rev = rev',
    // Open: a firmware adds its own keys.
    Type.Object({
      rev: Type.Integer({ minimum: 0, maximum: limits.uint32Max }),
      interval: Type.Optional(Interval),
      outputs: Type.Optional(
        Type.Record(Type.String(), Type.Object({ safe: OutputValue }, closed), {
          description: 'safe value by name of the output',
        }),
      ),
      safe_after: Type.Optional(
        Type.Number({ minimum: 0, maximum: 86_400, description: 'seconds without a broker until outputs take their safe value' }),
      ),
    }),
  ),
  set_led: command(
    'switches the LED',
    Type.Object(
      { state: Type.Enum(['on', 'off']), brightness: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })) },
      closed,
    ),
  ),
  set_output: command('sets an output (relay, pump)', Type.Object({ name: OutputName, value: OutputValue }, closed)),
  pulse_output: command(
    'switches an output on for a time',
    Type.Object({ name: OutputName, ms: Type.Integer({ minimum: 1, maximum: 60_000 }) }, closed),
  ),
  identify: command(
    'blinks so that a person finds it',
    Type.Object({ seconds: Type.Optional(Type.Number({ minimum: 1, maximum: 60, default: 10 })) }, closed),
  ),
  reboot: { ...command('restarts', none), overReboot: true },
  update_firmware: {
    ...command(
      'fetches, checks and starts a signed image',
      Type.Object(
        {
          url: Type.String({ pattern: '^https://', maxLength: 512 }),
          board: Type.String({ minLength: 1, maxLength: 64 }),
          version: Type.String({ minLength: 1, maxLength: 64, description: 'SemVer' }),
          size: Type.Integer({ minimum: 1, maximum: limits.uint32Max, description: 'bytes' }),
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
          signature: Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$', description: 'DER, base64' }),
          force: Type.Optional(Type.Boolean()),
        },
        closed,
      ),
    ),
    overReboot: true,
  },
} as const satisfies Record<string, BuiltinCommand>

export type BuiltinName = keyof typeof builtinCommands

export const isBuiltin = (name: string): name is BuiltinName => Object.hasOwn(builtinCommands, name)

/** What a node that has only the built-ins answers before it executes: null, or the error of its `rejected`. */
export function judgeCommand(name: string, params: unknown): { code: 'unknown_command' | 'bad_params'; message: string } | null {
  if (!isBuiltin(name)) {
    return { code: 'unknown_command', message: commandErrorDetail('unknown_command', `${JSON.stringify(name)} is not a command`) }
  }
  const fault = firstFault(builtinCommands[name].params, params)
  return fault && { code: 'bad_params', message: paramFault(name, fault) }
}

const paramFault = (name: BuiltinName, fault: Fault): string =>
  `${fault.path || 'params'} is ${fault.got}, allowed: ${fault.allowed} (${name})`
