import { checkCollection, type KeyRange, type Records } from '../records.ts'

/** Records in memory, for tests: the same order and the same atomicity as on disk. Values are kept as JSON, so that nobody keeps a
 *  reference into them. */
export function createMemoryRecords(): Records {
  const collections = new Map<string, Map<string, string>>()
  let closed = false

  const open = (name: string): Map<string, string> => {
    if (closed) throw new Error('records are closed')
    checkCollection(name)
    let collection = collections.get(name)
    if (collection === undefined) collections.set(name, (collection = new Map()))
    return collection
  }

  return {
    async get<T>(collection: string, key: string) {
      const json = open(collection).get(key)
      return json === undefined ? undefined : (JSON.parse(json) as T)
    },

    async write(changes) {
      // All values are encoded before the first one is set: a value that JSON can't hold must not leave half a write.
      const encoded = changes.map(change => ({
        into: open(change.collection),
        key: change.key,
        json: 'remove' in change ? undefined : encode(change.value),
      }))
      for (const { into, key, json } of encoded) {
        if (json === undefined) into.delete(key)
        else into.set(key, json)
      }
    },

    list<T>(collection: string, range: KeyRange = {}) {
      const entries = open(collection)
      return (async function* () {
        for (const [key, json] of pick(entries, range)) yield [key, JSON.parse(json) as T] as const
      })()
    },

    async close() {
      closed = true
    },
  }
}

function encode(value: unknown): string {
  const json = JSON.stringify(value)
  if (json === undefined) throw new Error('a record needs a JSON value')
  return json
}

function pick(entries: ReadonlyMap<string, string>, range: KeyRange): [string, string][] {
  const { after, before } = range
  const found = [...entries].filter(
    ([key]) => (after === undefined || compareUtf8(key, after) > 0) && (before === undefined || compareUtf8(key, before) < 0),
  )
  found.sort(([a], [b]) => (range.reverse ? compareUtf8(b, a) : compareUtf8(a, b)))
  return range.limit === undefined ? found : found.slice(0, range.limit)
}

/** Byte order, as on disk: JavaScript's own `<` compares UTF-16 units and puts U+FF5E behind U+1F600. */
const compareUtf8 = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
