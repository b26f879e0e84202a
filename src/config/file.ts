import { isMap, isNode, isScalar, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml'
import { nearest } from './nearest.ts'
import type { ConfigProblem } from './problem.ts'
import { sections } from './sections.ts'
import { upKeys } from './settings.ts'
import { type Tree, treeOf } from './tree.ts'

/** espalier.yaml, read: every single value by its dotted key with the line it stands on, and the trees of the sections. */
export interface ConfigFile {
  readonly name: string
  readonly entries: ReadonlyMap<string, { readonly value: unknown; readonly line: number }>
  readonly trees: ReadonlyMap<string, Tree>
}

export type Loaded = { readonly ok: true; readonly file: ConfigFile } | { readonly ok: false; readonly problems: ConfigProblem[] }

/** Text of an espalier.yaml → its entries, or every problem in it by line. `name` is what problems call the file. */
export function loadFile(text: string, name: string): Loaded {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const where = (offset: number | undefined): string => `${name}:${lines.linePos(offset ?? 0).line}`
  if (document.errors.length > 0) {
    const problems = document.errors.map(e => ({
      where: where(e.pos[0]),
      key: '',
      what: e.message.split('\n')[0]!,
      allowed: 'YAML with keys like "up:" and below it "  mqtt_port: 1883"',
    }))
    return { ok: false, problems }
  }
  const entries = new Map<string, { value: unknown; line: number }>()
  const trees = new Map<string, Tree>()
  const problems: ConfigProblem[] = []
  const root = document.contents
  if (isMap(root)) collect(root, '')
  else if (root !== null && !(isScalar(root) && root.value === null))
    problems.push({ where: `${name}:1`, key: '', what: 'the file is not a set of keys', allowed: 'keys like "up:"' })
  return problems.length > 0 ? { ok: false, problems } : { ok: true, file: { name, entries, trees } }

  function collect(map: YAMLMap, prefix: string): void {
    for (const pair of map.items) take(pair, prefix + String(isScalar(pair.key) ? pair.key.value : pair.key))
  }

  function take({ key: keyNode, value }: Pair, key: string): void {
    const offset = isNode(keyNode) ? keyNode.range?.[0] : undefined
    const empty = value === null || (isScalar(value) && value.value === null)
    const parent = upKeys.some(known => known.startsWith(`${key}.`))
    if (sections.some(s => s.key === key)) {
      if (!empty && isNode(value)) trees.set(key, treeOf(value, document, where))
    } else if (parent && isMap(value)) collect(value, `${key}.`)
    else if (parent && empty) return
    else if (upKeys.includes(key) && (isScalar(value) || value === null))
      entries.set(key, { value: isScalar(value) ? value.value : null, line: lines.linePos(offset ?? 0).line })
    else problems.push(refusedKey(key, where(offset), parent))
  }
}

function refusedKey(key: string, where: string, parent: boolean): ConfigProblem {
  if (parent) return { where, key, what: 'is not a set of keys', allowed: allowedBelow(`${key}.`) }
  if (upKeys.includes(key)) return { where, key, what: 'is not a single value', allowed: 'one value on the same line' }
  const section = key.includes('.') ? `${key.slice(0, key.indexOf('.'))}.` : ''
  const meant = nearest(key, topNames.concat(upKeys))
  return { where, key, what: `no such key${meant ? `; did you mean ${meant}?` : ''}`, allowed: allowedBelow(section) }
}

const topNames: readonly string[] = [...new Set([...upKeys.map(key => key.split('.')[0]!), ...sections.map(s => s.key)])]

const allowedBelow = (section: string): string => {
  const siblings = section === '' ? [] : upKeys.filter(known => known.startsWith(section))
  return (siblings.length > 0 ? siblings : [...upKeys, ...sections.map(s => s.key)]).join(', ')
}
