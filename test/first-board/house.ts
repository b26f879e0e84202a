import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { MessageView } from '../../src/api/messages.ts'
import type { NodeView } from '../../src/api/nodes.ts'
import { cleanEnv, mainFile, nodeBinary, type Up, until } from '../espalier.ts'

/** What the stories of the first board share. */
export const python = ['/usr/bin/python3', 'python3'].find(p => spawnSync(p, ['-c', 'import paho.mqtt.client']).status === 0)

export const lanFlags = ['--lan', '--mqtts-port', '0', '--https-port', '0'] as const

export const messages = async (house: Up, verdict: string): Promise<MessageView[]> =>
  (await house.api(`/api/messages?verdict=${verdict}`)).body.items

/** The first message of this verdict that `fits`. */
export const message = (house: Up, verdict: string, fits: (message: MessageView) => boolean = () => true) =>
  until(`a message: ${verdict}`, async () => (await messages(house, verdict)).find(fits))

export const node = (house: Up, id: string, fits: (node: NodeView) => boolean) =>
  until(`node ${id}`, async () => {
    const { status, body } = await house.api(`/api/nodes/${id}`)
    return status === 200 && fits(body) ? (body as NodeView) : undefined
  })

export interface Running {
  readonly child: ChildProcess
  /** All it wrote so far. */
  out(): string
  err(): string
  /** The first line of stdout or stderr that matches. */
  line(what: RegExp): Promise<string>
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** A process whose lines can be awaited. */
export function running(command: string, args: readonly string[]): Running {
  const child = spawn(command, args, { env: cleanEnv({ PYTHONUNBUFFERED: '1' }), stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: [] as string[], err: [] as string[] }
  const wake = new Set<() => void>()
  for (const [name, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ] as const)
    createInterface({ input: stream }).on('line', line => {
      said[name].push(line)
      for (const look of wake) look()
    })
  const gone = new Promise<number | null>(done => child.once('exit', code => done(code)))
  return {
    child,
    out: () => said.out.join('\n'),
    err: () => said.err.join('\n'),
    line: what =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = [...said.out, ...said.err].find(line => what.test(line))
          if (found === undefined) return
          wake.delete(look)
          resolve(found)
        }
        wake.add(look)
        look()
        gone.then(code =>
          reject(new Error(`ended with ${code} before it said ${what}:\n${said.out.join('\n')}\n${said.err.join('\n')}`)),
        )
      }),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      return gone
    },
  }
}

export const espalier = (...args: string[]): Running => running(nodeBinary, [mainFile, ...args])
