import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import type { ConfigProblem } from './problem.ts'
import { upKeys } from './settings.ts'

/** espalier.yaml, read: every leaf by its dotted key, with the line it stands on. */
export interface ConfigFile {
  readonly name: string
  readonly entries: ReadonlyMap<string, { readonly value: unknown; readonly line: number }>
}

export type Loaded = { readonly ok: true; readonly file: ConfigFile } | { readonly ok: false; readonly problems: ConfigProblem[] }

/** Text of an espalier.yaml → its entries, or every problem in it by line. `name` is what problems call the file. */
export function loadFile(text: string, name: string): Loaded {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line
  if (document.errors.length > 0) {
    const problems = document.errors.map(e => ({
      where: `${name}:${lineAt(e.pos[0])}`,
      key: '',
      what: e.message.split('\n')[0]!,
      allowed: 'YAML with keys like "up:" and below it "  mqtt_port: 1883"',
    }))
    return { ok: false, problems }
  }
  const entries = new Map<string, { value: unknown; line: number }>()
  const problems: ConfigProblem[] = []
  const root = document.contents
  if (root !== null && !isMap(root) && !(isScalar(root) && root.value === null))
    return {
      ok: false,
      problems: [{ where: `${name}:1`, key: '', what: 'the file is not a set of keys', allowed: 'keys like "up:"' }],
    }
  if (isMap(root)) collect(root, '')
  return problems.length > 0 ? { ok: false, problems } : { ok: true, file: { name, entries } }

  function collect(map: NonNullable<typeof root>, prefix: string): void {
    if (!isMap(map)) return
    for (const pair of map.items) {
      const key = prefix + String(isScalar(pair.key) ? pair.key.value : pair.key)
      const line = lineAt(isScalar(pair.key) ? pair.key.range?.[0] : undefined)
      const sections = upKeys.some(known => known.startsWith(`${key}.`))
      if (isMap(pair.value) && sections) collect(pair.value, `${key}.`)
      else if (sections && isScalar(pair.value) && pair.value.value === null) continue
      else if (upKeys.includes(key) && isScalar(pair.value)) entries.set(key, { value: pair.value.value, line })
      else problems.push(unknownKey(key, line))
    }
  }

  function unknownKey(key: string, line: number): ConfigProblem {
    if (upKeys.includes(key))
      return { where: `${name}:${line}`, key, what: 'is not a single value', allowed: 'one value on the same line' }
    const section = key.includes('.') ? `${key.slice(0, key.indexOf('.'))}.` : ''
    const siblings = upKeys.filter(known => known.startsWith(section))
    return { where: `${name}:${line}`, key, what: 'no such key', allowed: (siblings.length > 0 ? siblings : upKeys).join(', ') }
  }
}
