/** What a systemd unit of ours says. */
export interface UnitPlan {
  readonly scope: 'user' | 'system'
  /** Absolute paths: Node, and dist/cli/main.js. */
  readonly node: string
  readonly main: string
  /** Absolute. */
  readonly data: string
  /** Words behind `up --data DIR`. */
  readonly flags: readonly string[]
  /** Of a system unit; null: a user of its own that systemd makes (DynamicUser), and then `data` is /var/lib/espalier. */
  readonly user: string | null
  /** More folders that it writes to: backups. */
  readonly writes: readonly string[]
}

export const unitName = 'espalier.service'

/** The text of the unit. A restart follows a crash, but not bad settings (exit 2) or a directory in use (8), which only a person mends. */
export function unitText(plan: UnitPlan): string {
  const words = [plan.node, plan.main, 'up', '--json', '--data', plan.data, ...plan.flags]
  const service = [
    'Type=exec',
    `ExecStart=${words.map(quoted).join(' ')}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    'Restart=on-failure',
    'RestartSec=2',
    'RestartPreventExitStatus=2 8',
    // A stop takes 4 s at most.
    'TimeoutStopSec=15',
    'KillMode=mixed',
    'UMask=0077',
    'LimitNOFILE=65536',
    'StandardOutput=journal',
    'StandardError=journal',
    'SyslogIdentifier=espalier',
    ...(plan.scope === 'system' ? systemSandbox(plan) : userSandbox),
  ]
  return [
    '# Made by `espalier service install`; `espalier service uninstall` takes it away, the data stays.',
    '[Unit]',
    'Description=Espalier: broker, store and console for a fleet of boards',
    ...(plan.scope === 'system' ? ['Wants=network-online.target', 'After=network-online.target time-sync.target'] : []),
    '',
    '[Service]',
    ...service,
    '',
    '[Install]',
    `WantedBy=${plan.scope === 'system' ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n')
}

/** What a user's own systemd can hold without root: no mounts, only what the kernel lets anybody give up. MemoryDenyWriteExecute is in
 *  neither list: V8 writes machine code. AF_NETLINK is how Node learns the machine's addresses. */
const userSandbox: readonly string[] = [
  'NoNewPrivileges=yes',
  'LockPersonality=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged',
  'SystemCallErrorNumber=EPERM',
]

function systemSandbox({ user, data, writes, node, main }: UnitPlan): string[] {
  const inHome = [node, main, data, ...writes].some(path => /^\/(home|root)(\/|$)/.test(path))
  return [
    ...(user === null ? ['DynamicUser=yes', 'StateDirectory=espalier', 'StateDirectoryMode=0700'] : [`User=${escaped(user)}`]),
    ...[...(user === null ? [] : [data]), ...writes].map(path => `ReadWritePaths=${quoted(path)}`),
    ...userSandbox,
    'CapabilityBoundingSet=',
    'AmbientCapabilities=',
    'PrivateDevices=yes',
    'PrivateTmp=yes',
    'PrivateUsers=yes',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    // What runs from a home folder must be read there.
    `ProtectHome=${inHome ? 'read-only' : 'yes'}`,
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'ProtectProc=invisible',
    'ProtectSystem=strict',
    'RemoveIPC=yes',
    'RestrictNamespaces=yes',
  ]
}

/** systemd.syntax(7): % begins a specifier, $ a variable. */
const escaped = (word: string): string => word.replaceAll('%', '%%')

const quoted = (word: string): string =>
  `"${escaped(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$')}"`
