import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { ConfigProblem } from './problem.ts'
import type { SectionPath } from './section.ts'

/** A structured value with the place of everything in it. */
export interface Tree {
  readonly value: unknown
  at(path: SectionPath): string
}

/** A node of a YAML document → its tree; `where` turns an offset of the text into a place. */
export const treeOf = (node: Node, document: Document, where: (offset: number) => string): Tree => ({
  value: node.toJS(document as never),
  at: path => where(offsetOf(node, path)),
})

/** The key's offset for a value in a map, the item's for one in a list; for what is missing, its parent's. */
function offsetOf(top: Node, path: SectionPath): number {
  let node: unknown = top
  let offset = top.range?.[0] ?? 0
  for (const step of path) {
    let place: unknown
    if (isMap(node)) {
      const pair = node.items.find(item => String(isScalar(item.key) ? item.key.value : item.key) === String(step))
      place = pair?.key
      node = pair?.value
    } else if (isSeq(node)) {
      node = node.items[Number(step)]
      place = node
    }
    if (!isNode(place) || !place.range) break
    offset = place.range[0]
  }
  return offset
}

/** JSON of a flag or a variable → its tree, all of it at one place. */
export function treeFromJson(text: string, where: string, key: string): Tree | ConfigProblem {
  const document = parseDocument(text, { lineCounter: new LineCounter(), prettyErrors: false })
  if (document.errors.length > 0 || !isNode(document.contents))
    return { where, key, what: `is not JSON (${document.errors[0]?.message.split('\n')[0] ?? 'nothing'})`, allowed: 'JSON' }
  return treeOf(document.contents, document, () => where)
}

/** One value from the environment over what stood there: ESPALIER_ALERTS__CHANNELS__PHONE__TOKEN goes to `channels` → `phone` → `token`.
 *  Steps are names of a map (any case, `_` for `-`), numbers of a list or the `name` of an item in it. */
export function overlay(tree: Tree, steps: readonly string[], value: string, where: string): Tree {
  const { next, path } = put(tree.value, steps, value)
  return {
    value: next,
    at: asked => (path.every((step, i) => String(step) === String(asked[i])) ? where : tree.at(asked)),
  }
}

function put(node: unknown, steps: readonly string[], value: string): { next: unknown; path: SectionPath } {
  const [step, ...rest] = steps
  if (step === undefined) return { next: value, path: [] }
  const name = step.toLowerCase()
  if (Array.isArray(node)) {
    const byName = node.findIndex(item => plain(item?.name) === plain(name))
    const index = byName >= 0 ? byName : /^\d+$/.test(name) ? Math.min(Number(name), node.length) : node.length
    const { next, path } = put(node[index], rest, value)
    return { next: replaced(node, index, next), path: [index, ...path] }
  }
  const map = node !== null && typeof node === 'object' ? (node as Record<string, unknown>) : {}
  const key = Object.keys(map).find(known => plain(known) === plain(name)) ?? name
  const { next, path } = put(map[key], rest, value)
  return { next: { ...map, [key]: next }, path: [key, ...path] }
}

const replaced = (list: readonly unknown[], index: number, item: unknown): unknown[] => {
  const copy = [...list]
  copy[index] = item
  return copy
}

const plain = (name: unknown): string => String(name).toLowerCase().replaceAll('-', '_')
