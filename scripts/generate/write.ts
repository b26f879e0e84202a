import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generateAll } from './generators.ts'

/** Writes what differs, and says what that was. */
export async function write(): Promise<void> {
  const files = await generateAll()
  const stale = files.filter(({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
  for (const { path, text } of stale) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    console.log(`wrote ${path}`)
  }
  console.log(`${files.length} generated files, ${stale.length} changed`)
}
