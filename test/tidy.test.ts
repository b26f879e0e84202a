import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** The house rules that a machine can hold. Each carries its reason; a failure names the file, the rule and the way out. */
const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

type Rule = { may: readonly string[]; because: string }

/** room → rooms it may import. `x:ports` = only the ports of x listed below. */
const rooms: Record<string, Rule> = {
  kit: { may: [], because: 'the bottom: anything it imported would be imported by all' },
  contract: { may: ['kit'], because: 'pure, and read by the browser and the firmware generator' },
  config: { may: ['kit', 'contract'], because: 'pure: text in, config or problems out' },
  api: { may: ['kit', 'contract'], because: 'pure, and runs in the browser' },
  ledger: { may: ['kit', 'contract'], because: 'pure: one machine a node and boot, replayed by tests' },
  journal: { may: ['kit', 'contract', 'config'], because: 'durability knows no store and no broker' },
  broker: { may: ['kit', 'contract', 'config'], because: 'a broker routes; it judges nothing' },
  store: { may: ['kit', 'contract', 'config', 'ledger'], because: 'a store applies verdicts; it makes none' },
  site: {
    may: ['kit', 'contract', 'config'],
    because: 'it makes files for the machine around us; who uses them is decided elsewhere',
  },
  sim: { may: ['kit', 'contract', 'config'], because: 'a virtual node sees the wire and nothing behind it, like a board' },
  ingest: {
    may: ['kit', 'contract', 'ledger', 'journal:ports', 'broker:ports', 'store:ports'],
    because: 'the lane works with any journal, broker and store',
  },
  fleet: {
    may: ['kit', 'contract', 'ledger', 'api', 'journal:ports', 'broker:ports', 'store:ports'],
    because: 'commands work with any broker and records',
  },
  http: {
    may: ['kit', 'api', 'contract', 'fleet:ports', 'ingest:ports', 'ledger:ports', 'store:ports', 'broker:ports'],
    because: 'it is handed live objects by the manager',
  },
  manager: {
    may: ['kit', 'contract', 'config', 'api', 'ledger', 'journal', 'broker', 'store', 'site', 'sim', 'ingest', 'fleet', 'http'],
    because: 'the only room that knows all',
  },
  cli: {
    may: ['kit', 'contract', 'api', 'config', 'site', 'sim', 'manager:ports'],
    because: 'a client of the server; the manager is loaded only when asked',
  },
}

/** What of a room others may see: its door and its ports. */
const ports: Record<string, readonly string[]> = {
  journal: ['journal.ts'],
  broker: ['broker.ts'],
  store: ['readings.ts', 'records.ts', 'images.ts'],
  fleet: ['fleet.ts'],
  ingest: ['ingest.ts'],
  ledger: ['ledger.ts'],
  manager: ['manager.ts', 'restore.ts'],
}

/** Rooms whose code has no process, clock or socket of its own. */
const pure = ['contract', 'config', 'api', 'ledger']

const walk = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory()
      ? walk(join(dir, entry.name))
      : entry.name.endsWith('.ts') || entry.name.endsWith('.tsx')
        ? [join(dir, entry.name)]
        : [],
  )
const isTest = (file: string): boolean => /\.test\.ts$|suite\.ts$|\.bench\.ts$/.test(file)
const all = walk(src)
const files = all.filter(file => !isTest(file))
const text = new Map(all.map(file => [file, readFileSync(file, 'utf8')]))
const name = (file: string): string => relative(root, file)
const roomOf = (file: string): string => relative(src, file).split('/')[0]!

const importsOf = (file: string): { path: string; typeOnly: boolean }[] =>
  [
    ...text
      .get(file)!
      .matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'"()]*?\s+from\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm),
  ].map(m => ({
    path: (m[2] ?? m[3])!,
    typeOnly: m[1] !== undefined,
  }))
const targetOf = (file: string, path: string): string | null => (path.startsWith('.') ? resolve(dirname(file), path) : null)

describe('the import table', () => {
  test('a room imports only what its row allows', () => {
    const broken: string[] = []
    for (const file of files) {
      const room = roomOf(file)
      const rule = rooms[room]
      if (!rule) {
        broken.push(`${name(file)}: room ${room} is not in the table of test/tidy.test.ts`)
        continue
      }
      for (const { path } of importsOf(file)) {
        const target = targetOf(file, path)
        if (!target?.startsWith(src)) continue
        const other = roomOf(target)
        if (other === room || rule.may.includes(other)) continue
        const portsOnly = rule.may.includes(`${other}:ports`)
        if (portsOnly && ports[other]!.includes(relative(join(src, other), target))) continue
        broken.push(
          `${name(file)} imports ${name(target)}: ${room} may import ${rule.may.join(', ') || 'nothing'} (${rule.because})`,
        )
      }
    }
    expect(broken).toEqual([])
  })

  test('pure rooms import nothing of Node and read no clock', () => {
    const broken = files
      .filter(file => pure.includes(roomOf(file)))
      .flatMap(file =>
        [
          ...text
            .get(file)!
            .matchAll(
              /from 'node:[^']+'|\bDate\.now\(|\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(|\bprocess\.|\bMath\.random\(/g,
            ),
        ].map(m => `${name(file)}: ${m[0]} (hand it in: a pure room has no clock, chance, process or socket)`),
      )
      // The API's client talks by fetch and waits between tries: it is the room's one shell.
      .filter(line => !line.startsWith('src/api/client.ts'))
    expect(broken).toEqual([])
  })

  test('only kit/clock reads the machine clock, and nobody uses Math.random', () => {
    const allowed = new Set(['src/kit/clock.ts'])
    const broken = files
      .filter(file => !allowed.has(name(file)))
      .flatMap(file =>
        [...text.get(file)!.matchAll(/\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/g)].map(
          m => `${name(file)}: ${m[0]} (take a Clock or a Random)`,
        ),
      )
    expect(broken).toEqual([])
  })

  test('the console sees only api and contract', () => {
    const consoleSrc = join(root, 'console/src')
    const broken: string[] = []
    for (const file of walk(consoleSrc)) {
      text.set(file, readFileSync(file, 'utf8'))
      for (const { path } of importsOf(file)) {
        const target = targetOf(file, path)
        if (target?.startsWith(src) && !['api', 'contract', 'kit'].includes(roomOf(target)))
          broken.push(`${name(file)} imports ${name(target)}`)
      }
    }
    expect(broken).toEqual([])
  })
})

describe('the house', () => {
  test('every room has a door with a paragraph on top', () => {
    const withoutDoor = ['kit', 'config', 'api', 'contract', 'store', 'cli']
    const broken = Object.keys(rooms)
      .filter(room => !withoutDoor.includes(room))
      .filter(room => !text.get(join(src, room, `${room}.ts`))?.includes(`/** ${room}: `))
    expect(broken).toEqual([])
  })

  test('no file is dead: each is reached from the command, the console or a script', () => {
    const reached = new Set<string>()
    const visit = (file: string): void => {
      if (reached.has(file) || !text.has(file)) return
      reached.add(file)
      for (const { path } of importsOf(file)) {
        const target = targetOf(file, path)
        if (target) visit(target)
      }
    }
    visit(join(src, 'cli/main.ts'))
    for (const folder of ['console/src', 'scripts', 'bench']) {
      for (const file of walk(join(root, folder))) {
        text.set(file, readFileSync(file, 'utf8'))
        visit(file)
      }
    }
    // Reference implementations live for the port suites: they are what the real ones are held against.
    const reference = /^src\/store\/memory\//
    expect(files.filter(file => !reached.has(file) && !reference.test(name(file))).map(name)).toEqual([])
  })

  test('a file holds one idea: no more than 300 lines', () => {
    // Tables are one idea however long; each exception says why.
    const longer: Record<string, string> = {}
    const broken = files
      .map(file => ({ file: name(file), lines: text.get(file)!.split('\n').length - 1 }))
      .filter(({ file, lines }) => lines > 300 && !(file in longer))
    expect(broken).toEqual([])
  })

  test('no file is named after nothing in particular', () => {
    expect(files.map(name).filter(file => /\/(utils?|common|misc|helpers?)\.ts$|2\.ts$/.test(file))).toEqual([])
  })

  test('files are kebab-case', () => {
    expect(
      all
        .map(file => file.split('/').pop()!)
        .filter(file => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|property\.test|bench|gen))?\.tsx?$/.test(file)),
    ).toEqual([])
  })

  test('nothing unfinished is left behind', () => {
    const broken = all.flatMap(file =>
      [...text.get(file)!.matchAll(/\b(TODO|FIXME|XXX|HACK)\b/g)].map(m => `${name(file)}: ${m[0]}`),
    )
    expect(broken).toEqual([])
  })

  test('no suite is focused or left out by hand', () => {
    const broken = [...all, ...walk(join(root, 'test'))]
      .filter(file => isTest(file) && !file.endsWith('tidy.test.ts'))
      .filter(file => /\b(test|it|describe)\.only\(|\b(xit|xdescribe|test\.todo)\(/.test(readFileSync(file, 'utf8')))
    expect(broken.map(name)).toEqual([])
  })

  test('what is committed names no machine and no registry', () => {
    const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
    expect(lock.match(/"resolved":/g)).toBeNull()
    const broken = [...all, ...walk(join(root, 'test')), ...walk(join(root, 'scripts'))].filter(file =>
      /\/work\/|registry\.npmjs/.test(readFileSync(file, 'utf8').replaceAll('/\\/work\\/|', '')),
    )
    expect(broken.map(name).filter(file => file !== 'test/tidy.test.ts')).toEqual([])
  })
})
