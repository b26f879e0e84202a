import { spawn } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { seeded } from '../../kit/random.ts'
import { type RecordsDamage, RecordsLocked } from '../records.ts'
import { durableRecordsSuite, recordsSuite } from '../records-suite.ts'
import { type LevelRecords, openLevelRecords } from './level.ts'

const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const root = await mkdtemp(join(tmpdir(), 'espalier-records-'))
let number = 0
const freshDir = (): string => join(root, `r${number++}`)
afterAll(() => rm(root, { recursive: true, force: true }))

const open = async () => {
  const dir = freshDir()
  let records = await openLevelRecords(dir)
  return {
    records,
    reopen: async () => {
      await records.close()
      records = await openLevelRecords(dir)
      return records
    },
    remove: () => records.close(),
  }
}
recordsSuite('level', open)
durableRecordsSuite('level', open)

test('a second opening of the same folder is refused as locked, and works after the first has closed', async () => {
  const dir = freshDir()
  const first = await openLevelRecords(dir)
  await expect(openLevelRecords(dir)).rejects.toBeInstanceOf(RecordsLocked)
  await expect(openLevelRecords(dir)).rejects.toThrow(/in use.*--data/)
  await first.close()
  await (await openLevelRecords(dir)).close()
})

test('a file in place of the folder is an error that names it, and stays untouched', async () => {
  const dir = freshDir()
  await writeFile(dir, 'mine')
  await expect(openLevelRecords(dir)).rejects.toThrow(dir)
  expect(await readFile(dir, 'utf8')).toBe('mine')
})

describe('damage', () => {
  const entries = 2000
  let dir: string
  let found: RecordsDamage[]

  beforeEach(async () => {
    dir = freshDir()
    found = []
    const records = await openLevelRecords(dir)
    const random = seeded(7)
    for (let i = 0; i < entries; i += 100) {
      const changes = Array.from({ length: 100 }, (_, j) => ({
        collection: 'things',
        key: String(i + j).padStart(6, '0'),
        value: { i: i + j, noise: String(random.next()) },
      }))
      await records.write(changes, { sync: false })
    }
    await records.close()
    // Opening twice moves the log into a table.
    await (await openLevelRecords(dir)).close()
  })

  const named = async (pattern: RegExp): Promise<string> => {
    const names = (await readdir(dir)).filter(name => pattern.test(name))
    const sizes = await Promise.all(
      names.map(async name => ({ path: join(dir, name), size: (await stat(join(dir, name))).size })),
    )
    return sizes.sort((a, b) => b.size - a.size)[0]!.path
  }
  const flip = async (path: string, place: number): Promise<void> => {
    const bytes = await readFile(path)
    bytes[Math.floor(bytes.length * place)]! ^= 0x55
    await writeFile(path, bytes)
  }
  const reopen = (): Promise<LevelRecords> => openLevelRecords(dir, { onDamage: damage => found.push(damage) })
  /** How many are there; every one of them must be the one that was written. */
  const survivors = async (records: LevelRecords): Promise<number> => {
    let n = 0
    for await (const [key, value] of records.list<{ i: number }>('things')) {
      expect(value.i).toBe(Number(key))
      n++
    }
    return n
  }
  const works = async (records: LevelRecords): Promise<void> => {
    await records.write([{ collection: 'things', key: 'new', value: { i: Number.NaN } }], { sync: true })
    expect(await records.get('things', 'new')).toBeDefined()
    await records.close()
    const again = await openLevelRecords(dir)
    expect(again.damage).toEqual([])
    await again.close()
  }

  test('nothing is reported when nothing is wrong', async () => {
    const records = await reopen()
    expect(await survivors(records)).toBe(entries)
    expect(found).toEqual([])
    await records.close()
  })

  test('a bad CURRENT is repaired without loss', async () => {
    await writeFile(join(dir, 'CURRENT'), 'xx')
    const records = await reopen()
    expect(found.map(damage => damage.what)).toEqual(['repaired'])
    expect(await survivors(records)).toBe(entries)
    await works(records)
  })

  test('a lost CURRENT is repaired, not taken for a new folder', async () => {
    await rm(join(dir, 'CURRENT'))
    const records = await reopen()
    expect(found.map(damage => damage.what)).toEqual(['repaired'])
    expect(await survivors(records)).toBe(entries)
    await works(records)
  })

  test('a flipped byte in the manifest is repaired without loss', async () => {
    await flip(await named(/^MANIFEST/), 0.5)
    const records = await reopen()
    expect(found.map(damage => damage.what)).toEqual(['repaired'])
    expect(await survivors(records)).toBe(entries)
    await works(records)
  })

  test('a manifest cut to nothing is said, although LevelDB opens as if all were well', async () => {
    await truncate(await named(/^MANIFEST/), 0)
    const records = await reopen()
    expect(found.length).toBe(1)
    expect(['repaired', 'emptied', 'aside']).toContain(found[0]!.what)
    await works(records)
  })

  test('a log of which nothing can be read is said, although LevelDB opens as if all were well', async () => {
    const fresh = freshDir()
    const first = await openLevelRecords(fresh)
    await first.write([{ collection: 'things', key: 'a', value: 'a'.repeat(400) }], { sync: true })
    await first.close()
    const log = (await readdir(fresh)).find(name => name.endsWith('.log'))!
    await writeFile(join(fresh, log), Buffer.alloc(500, 0x5a))
    const records = await openLevelRecords(fresh)
    expect(records.damage.map(damage => damage.what)).toEqual(['emptied'])
    expect(await records.get('things', 'a')).toBeUndefined()
    await records.close()
  })

  test('a table cut in half is survived and reported', async () => {
    const table = await named(/ldb$/)
    await truncate(table, Math.floor((await stat(table)).size / 2))
    const records = await reopen()
    expect(found.length).toBeGreaterThan(0)
    await survivors(records)
    await works(records)
  })

  test('a lost table is survived and reported', async () => {
    await rm(await named(/ldb$/))
    const records = await reopen()
    expect(found.length).toBeGreaterThan(0)
    await works(records)
  })

  test('keys out of order, which would end the process at a compaction, cost one block and no more', async () => {
    const table = await named(/ldb$/)
    const bytes = await readFile(table)
    const block = bytes.indexOf('things\0', bytes.length >> 2)
    bytes[block + 'things\0'.length]! ^= 0x08 // 000499 becomes 800499
    await writeFile(table, bytes)
    const records = await reopen()
    expect(found.map(damage => damage.what)).toEqual(['aside'])
    expect(await survivors(records)).toBeGreaterThan(entries - 100)
    expect((await readdir(found[0]!.movedTo!)).length).toBeGreaterThan(0)
    await works(records)
  })

  test('a folder that ended the process each time it was opened is set aside at last', async () => {
    await writeFile(`${dir}.opening`, '4')
    const stillTried = await reopen()
    expect(await survivors(stillTried)).toBe(entries)
    await stillTried.close()
    const table = await named(/ldb$/)
    const bytes = await readFile(table)
    bytes[bytes.indexOf('things')] = 0x7a // the first key is behind the others now: compacting them is an abort
    await writeFile(table, bytes)
    await writeFile(`${dir}.opening`, '5')
    const records = await reopen()
    expect(found[0]!.detail).toContain('ended the process')
    expect(found.map(damage => damage.what)).toEqual(['aside'])
    await works(records)
  })

  test('a sound folder whose openings were all killed is opened', async () => {
    await writeFile(`${dir}.opening`, '50')
    const records = await reopen()
    expect(found).toEqual([])
    expect(await survivors(records)).toBe(entries)
    await records.close()
  })

  test('a byte flipped anywhere in a table: it is found, it opens, no wrong value is read', async () => {
    const random = seeded(11)
    const table = await named(/ldb$/)
    const good = await readFile(table)
    for (let round = 0; round < 40 * scale; round++) {
      const copy = freshDir()
      await cp(dir, copy, { recursive: true })
      const bytes = Buffer.from(good)
      const place = random.below(bytes.length - 40) // behind that the footer is padded with nothing
      bytes[place]! ^= 1 << random.below(8)
      await writeFile(join(copy, table.slice(dir.length + 1)), bytes)
      const records = await openLevelRecords(copy)
      expect(records.damage.length, `byte ${place} flipped`).toBe(1)
      await survivors(records)
      await records.close()
    }
  })
})

describe('in a process of its own', () => {
  const cache = fileURLToPath(new URL(`../../../node_modules/.cache/records-child-${process.pid}/`, import.meta.url))
  afterAll(() => rm(cache, { recursive: true, force: true }))

  /** Bundles a program that opens the records in argv[2] as `records`. */
  const program = async (name: string, body: string): Promise<string> => {
    const outfile = join(cache, `${name}.mjs`)
    const contents = `import { openLevelRecords } from './level.ts'
      const records = await openLevelRecords(process.argv[2])
      const say = line => process.stdout.write(line + '\\n')
      ${body}`
    const stdin = { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' as const }
    await build({ stdin, bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile })
    return outfile
  }

  test('kill -9: every synced write that was acknowledged is there, none is torn, and the lock is free at once', async () => {
    const writer = await program(
      'kill',
      `for (let n = Number(process.argv[3]); ; n++) {
        await records.write([{ collection: 'left', key: String(n), value: n }, { collection: 'right', key: String(n), value: n }], { sync: true })
        say(n)
      }`,
    )
    const dir = freshDir()
    const random = seeded(3)
    let acknowledged = -1
    for (let round = 0; round < 5 * scale; round++) {
      const child = spawn(process.execPath, [writer, dir, String(acknowledged + 1)], { stdio: ['ignore', 'pipe', 'inherit'] })
      const until = acknowledged + 1 + random.below(300)
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Number(line)
        if (acknowledged >= until) child.kill('SIGKILL')
      }
      const records = await openLevelRecords(dir)
      expect(records.damage).toEqual([])
      for (let n = 0; n <= acknowledged; n++) expect(await records.get('left', String(n))).toBe(n)
      const left: string[] = []
      const right: string[] = []
      for await (const [key] of records.list('left')) left.push(key)
      for await (const [key] of records.list('right')) right.push(key)
      expect(right).toEqual(left)
      await records.close()
    }
    expect(acknowledged).toBeGreaterThan(0)
  })

  // A limit on the size of files stands for the full disk (no root needed): the log can't grow, a new one can.
  test('a write that fails says so, reading goes on, and the next write succeeds as soon as it can', async () => {
    const writer = await program(
      'full',
      `const noise = n => (n + ',').repeat(500) // its table is smaller than its log
      let failed = 0
      for (let n = 0; n < 600; n++) {
        const write = () => records.write([{ collection: 'things', key: String(n), value: noise(n) }], { sync: n % 10 === 0 })
        await write().catch(async error => {
          failed++
          if (!/too large/i.test(error.message)) throw error
          if (await records.get('things', '0') !== noise(0)) throw new Error('reading stopped')
          await write()
        })
      }
      for (let n = 0; n < 600; n++) if (await records.get('things', String(n)) !== noise(n)) throw new Error('lost ' + n)
      await records.close()
      say(failed)`,
    )
    const dir = freshDir()
    const child = spawn('bash', ['-c', `ulimit -S -f 512; exec "$0" "$@"`, process.execPath, writer, dir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
    await new Promise(resolve => child.on('close', resolve))
    expect(Number(output), output).toBeGreaterThan(0)
    const records = await openLevelRecords(dir)
    let there = 0
    for await (const _ of records.list('things')) there++
    expect([there, records.damage]).toEqual([600, []])
    await records.close()
  })
})
