import { expect, test } from 'vitest'
import { defaultRules } from './alert-defaults.ts'
import { loadFile, resolveUp } from './config.ts'
import { problemText } from './problem.ts'

function resolve(yaml: string, env: Record<string, string> = {}, secrets: Record<string, string> = {}) {
  const loaded = loadFile(yaml, 'e.yaml')
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'))
  return resolveUp({
    data: 'data',
    flags: {},
    env,
    file: loaded.file,
    readSecret: file =>
      secrets[file] === undefined
        ? { ok: false, what: `${file} can't be read`, allowed: 'a file' }
        : { ok: true, value: secrets[file] },
  })
}
function alerts(yaml: string, env?: Record<string, string>, secrets?: Record<string, string>) {
  const resolved = resolve(yaml, env, secrets)
  if (!resolved.ok) throw new Error(resolved.problems.map(problemText).join('\n'))
  return resolved.options.alerts
}
function problems(yaml: string, env?: Record<string, string>): string[] {
  const resolved = resolve(yaml, env)
  return resolved.ok ? [] : resolved.problems.map(problemText)
}

test('without configuration the default rules hold, and nobody is told', () => {
  expect(alerts('')).toEqual({ rules: defaultRules, channels: [] })
  expect(defaultRules.map(rule => rule.name)).toEqual(['silent', 'loss', 'reboot_loop', 'disk', 'certificate'])
  expect(defaultRules.every(rule => rule.from === 'default')).toBe(true)
})

test('a default rule is switched off, or changed, by its name', () => {
  const { rules } = alerts('alerts:\n  rules:\n    - { name: loss, off: true }\n    - { name: silent, for: 1h, nodes: all }\n')
  expect(rules.map(rule => rule.name).sort()).toEqual(['certificate', 'disk', 'reboot_loop', 'silent'])
  expect(rules.find(rule => rule.name === 'silent')).toMatchObject({
    kind: 'silent',
    nodes: 'all',
    forMs: 3_600_000,
    from: 'e.yaml:4',
  })
})

test('a threshold has its numbers, its place and its channels', () => {
  const yaml = `
alerts:
  channels:
    ops: { type: webhook, url: "https://example.org/hook" }
  rules:
    - name: hot
      kind: threshold
      sensor: temperature
      above: 35
      clear: 33.5
      for: 2m
      nodes: tag:greenhouse
      channels: [ops]
`
  expect(alerts(yaml).rules.at(-1)).toEqual({
    name: 'hot',
    from: 'e.yaml:6',
    kind: 'threshold',
    sensor: 'temperature',
    above: 35,
    below: null,
    clear: 33.5,
    forMs: 120_000,
    resolveAfterMs: 300_000,
    nodes: 'tag:greenhouse',
    channels: ['ops'],
  })
})

test.each([
  ['rules: 5', 'alerts.rules: is not a list; allowed: a list'],
  ['rules: [{ name: x, kind: hot }]', 'alerts.rules[0].kind: "hot" can\'t be used; allowed: silent, threshold, rssi'],
  ['rules: [{ name: x }]', 'alerts.rules[0].kind: is missing; allowed: silent'],
  ['rules: [{ kind: silent }]', 'alerts.rules[0].name: is missing'],
  [
    'rules: [{ name: x, kind: silent, fro: 5m }]',
    'alerts.rules[0].fro: no such key; did you mean for?; allowed: kind, off, name',
  ],
  ['rules: [{ name: x, kind: silent, for: 5 }]', "alerts.rules[0].for: 5 can't be used; allowed: a time with its unit"],
  ['rules: [{ name: x, kind: threshold, sensor: t }]', 'alerts.rules[0]: has no bound; allowed: above or below'],
  [
    'rules: [{ name: x, kind: threshold, sensor: t, above: 5, below: 1 }]',
    'has two bounds; allowed: above or below; a rule for each',
  ],
  ['rules: [{ name: x, kind: threshold, above: 5 }]', 'alerts.rules[0].sensor: is missing'],
  [
    'rules: [{ name: x, kind: threshold, sensor: t, above: hot }]',
    'alerts.rules[0].above: "hot" can\'t be used; allowed: a number',
  ],
  [
    'rules: [{ name: x, kind: threshold, sensor: t, above: 5, clear: 6 }]',
    'alerts.rules[0].clear: 6 lies on the bad side of 5; allowed: at most 5',
  ],
  ['rules: [{ name: x, kind: rssi, below: -80, clear: -90 }]', 'lies on the bad side of -80'],
  ['rules: [{ name: x, kind: disk, nodes: all }]', 'alerts.rules[0].nodes: no such key'],
  ['rules: [{ name: x, kind: silent, channels: [pager] }]', 'there is no channel "pager"; allowed: one below alerts.channels'],
  ['rules: [{ name: los, off: true }]', 'no default rule is called "los"; allowed: silent, loss'],
  ['rules: [{ name: x, kind: silent }, { name: x, kind: silent }]', 'alerts.rules[1].name: "x" is taken by a rule above'],
  ['channel: {}', 'alerts.channel: no such key; did you mean channels?; allowed: rules, channels'],
  ['channels: [{ name: a }]', 'alerts.channels: is not a set of keys; allowed: a name of your own'],
  ['channels: { a: { type: pager } }', 'alerts.channels.a.type: "pager" can\'t be used; allowed: webhook, email, ntfy, telegram'],
  ['channels: { a: { type: webhook } }', 'alerts.channels.a.url: is missing'],
  ['channels: { A: { type: webhook, url: "http://x" } }', '"A" is no name of a channel'],
  [
    'channels: { a: { type: telegram, chat: 5 } }',
    'a.token: is missing; allowed: token_file: FILE, or ESPALIER_ALERTS__CHANNELS__A__TOKEN',
  ],
  [
    'channels: { a: { type: ntfy, topic: t, priority: 9 } }',
    "alerts.channels.a.priority: 9 can't be used; allowed: a whole number from 1 to 5",
  ],
  ['channels: { a: { type: ntfy, topic: t, token_file: gone } }', "alerts.channels.a.token_file: gone can't be read"],
  [
    'channels: { a: { type: email, host: h, from: a@b.c, to: d@e.f, user: u } }',
    'a user without password; allowed: both or neither',
  ],
])('%s is refused with its place and what is allowed', (text, message) => {
  const found = problems(`alerts:\n  ${text}\n`)
  expect(found[0]).toMatch(/^e\.yaml:\d+: /)
  expect(found.join('\n')).toContain(message)
})

test('every mistake is named, with its own line', () => {
  const found = problems(
    'alerts:\n  rules:\n    - name: a\n      kind: silent\n      fore: 5m\n    - name: b\n      kind: threshold\n      sensor: T\n      above: 5\n',
  )
  expect(found.map(text => text.split(': ').slice(0, 2).join(' '))).toEqual([
    'e.yaml:5 alerts.rules[0].fore',
    'e.yaml:8 alerts.rules[1].sensor',
  ])
})

test('a secret in the file is refused and not repeated; a file or the environment has it', () => {
  const inFile = problems('alerts:\n  channels:\n    bot: { type: telegram, chat: 5, token: "123:swordfish" }\n')
  expect(inFile.join()).toContain(
    'does not belong in this file; allowed: token_file: FILE, or ESPALIER_ALERTS__CHANNELS__BOT__TOKEN',
  )
  expect(inFile.join()).not.toContain('swordfish')
  const named = 'alerts:\n  channels:\n    my-bot: { type: telegram, chat: 5, token_file: /run/t }\n'
  expect(alerts(named, {}, { '/run/t': '1:a' }).channels[0]).toMatchObject({ token: '1:a', chat: '5', name: 'my-bot' })
  const bare = 'alerts:\n  channels:\n    my-bot: { type: telegram, chat: 5 }\n'
  expect(alerts(bare, { ESPALIER_ALERTS__CHANNELS__MY_BOT__TOKEN: '2:b' }).channels[0]).toMatchObject({ token: '2:b' })
  expect(
    alerts(bare, { ESPALIER_ALERTS__CHANNELS__MY_BOT__TOKEN_FILE: '/run/t' }, { '/run/t': '3:c' }).channels[0],
  ).toMatchObject({ token: '3:c' })
})

test('the address of a webhook may be a secret: it is read from a file too, and an error does not repeat it', () => {
  const yaml = 'alerts:\n  channels:\n    chat: { type: webhook, url_file: /run/u }\n'
  expect(alerts(yaml, {}, { '/run/u': 'https://hooks.example.org/T0/B0/xyz' }).channels[0]).toMatchObject({
    url: 'https://hooks.example.org/T0/B0/xyz',
  })
  const wrong = problems('alerts:\n  channels:\n    chat: { type: webhook, url: "hooks.example.org/T0/swordfish" }\n')
  expect(wrong.join()).toContain('alerts.channels.chat.url')
  expect(wrong.join()).not.toContain('swordfish')
})

test('a password goes in the clear only on this machine', () => {
  const mail = (host: string): string =>
    `alerts:\n  channels:\n    m: { type: email, host: ${host}, security: none, user: u, from: a@b.c, to: [d@e.f] }\n`
  const env = { ESPALIER_ALERTS__CHANNELS__M__PASSWORD: 'p' }
  expect(problems(mail('smtp.example.org'), env).join()).toContain('in the clear; allowed: tls, starttls')
  expect(alerts(mail('127.0.0.1'), env).channels[0]).toMatchObject({ port: 25, password: 'p' })
})
