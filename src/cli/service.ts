import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { unitName } from '../site/service/unit.ts'
import { CliError, exits } from './errors.ts'

export type Scope = 'user' | 'system'

export const unitFile = (scope: Scope, env: NodeJS.ProcessEnv): string =>
  scope === 'system'
    ? `/etc/systemd/system/${unitName}`
    : join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'systemd/user', unitName)

/** systemd as this user reaches it. Throws what a person can do about it. */
export interface Systemd {
  /** Writes the unit, enables and starts it; for a user also lets it run without a log-in. Answers with what did not work but may. */
  install(file: string, text: string): string[]
  uninstall(file: string): void
}

export function openSystemd(scope: Scope, env: NodeJS.ProcessEnv): Systemd {
  const { uid, username } = userInfo()
  if (scope === 'system' && uid !== 0)
    throw new CliError(
      exits.usage,
      'not_root',
      'a system unit needs root',
      'sudo espalier service install --system',
      'or --user, which needs no root',
    )
  // `su` and ssh commands without a session leave it out.
  const environment = { ...env, ...(scope === 'user' && { XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR || `/run/user/${uid}` }) }
  const run = (program: string, ...args: string[]): { ok: boolean; text: string } => {
    const done = spawnSync(program, args, { env: environment, encoding: 'utf8' })
    if (done.error && (done.error as NodeJS.ErrnoException).code === 'ENOENT') throw noSystemd(`there is no ${program}`)
    return { ok: done.status === 0, text: `${done.stderr}${done.stdout}`.trim() }
  }
  const systemctl = (...args: string[]): void => {
    const { ok, text } = run('systemctl', ...(scope === 'user' ? ['--user'] : []), ...args)
    if (ok) return
    throw new CliError(
      exits.refused,
      'systemctl_failed',
      `systemctl ${args.join(' ')}: ${text}`,
      ...(/bus|XDG_RUNTIME_DIR/i.test(text)
        ? [`log in as ${username} itself (not with su or sudo), or first: sudo loginctl enable-linger ${username}`]
        : [`journalctl ${scope === 'user' ? '--user ' : ''}-u espalier -n 30`]),
    )
  }
  if (!existsSync('/run/systemd/system')) throw noSystemd('systemd does not run on this machine')
  run('systemctl', '--version')

  return {
    install(file, text) {
      const warnings: string[] = []
      if (scope === 'user') {
        const lingers = run('loginctl', 'enable-linger', username)
        if (!lingers.ok)
          warnings.push(
            `without this it ends when ${username} logs out: sudo loginctl enable-linger ${username} (${lingers.text})`,
          )
      }
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text, { mode: 0o644 })
      systemctl('daemon-reload')
      systemctl('enable', '--now', unitName)
      return warnings
    },
    uninstall(file) {
      systemctl('disable', '--now', unitName)
      rmSync(file, { force: true })
      systemctl('daemon-reload')
    },
  }
}

const noSystemd = (what: string): CliError =>
  new CliError(
    exits.usage,
    'no_systemd',
    what,
    '--dry-run prints the unit all the same',
    'without systemd let your own supervisor run: espalier up --json --data DIR',
  )
