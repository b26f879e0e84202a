import type { Engine } from './engine.ts'
import type { FileEntry } from './manifest.ts'
import { type RowsWanted, readRows } from './reader.ts'
import { RowSet, type Slice } from './row-set.ts'

/** What a question sees: files and rows in memory as they stood at one moment, in the order in which the rows came. */
export interface View {
  readonly files: readonly FileEntry[]
  readonly memory: readonly RowSet[]
}

/** Where files are read, and who looks after them when that fails. */
export interface Library {
  readonly engine: Engine
  readonly folder: string
  /** Up to so many rows of a node it is cheaper to read them than to have DuckDB sum them up. */
  readonly readOutright: number
  /** After a failed query: checks the files and answers with those that are sound. Throws the error again when all are. */
  heal(files: readonly FileEntry[], error: unknown): Promise<readonly FileEntry[]>
}

/** Runs `work` on the files; when it fails over a damaged one, once more on the others. */
export async function onSoundFiles<T>(
  library: Library,
  files: readonly FileEntry[],
  work: (files: readonly FileEntry[]) => Promise<T>,
): Promise<T> {
  try {
    return await work(files)
  } catch (error) {
    return work(await library.heal(files, error))
  }
}

/** The files that may hold a wanted row. */
export function concerned(
  files: readonly FileEntry[],
  { nodes, from, to }: Pick<RowsWanted, 'nodes' | 'from' | 'to'>,
): FileEntry[] {
  const overlaps = (span: { from: number; to: number } | undefined): boolean =>
    span !== undefined && span.from < to && span.to >= from
  return files.filter(file => overlaps(file) && (nodes === null || nodes.some(node => overlaps(factsOf(file, node)))))
}

/** What a file holds of a node. Own properties only: an id may be `constructor`. */
export const factsOf = <T>(file: { readonly nodes: Readonly<Record<string, T>> }, node: string): T | undefined =>
  Object.hasOwn(file.nodes, node) ? file.nodes[node] : undefined

/** The wanted rows, merged, in windows of time one behind the other, each of about `rowsAtMost` rows at most and as copies that stay as
 *  they are. So whoever reads ten million rows holds one window of them. Slices of a window come by node. */
export async function* windows(library: Library, view: View, wanted: RowsWanted, rowsAtMost: number): AsyncGenerator<Slice[]> {
  const seen = new Sight(view, wanted)
  for (let start = seen.from; start < seen.to; ) {
    let stop = seen.stopAfter(start, rowsAtMost)
    let slices: Slice[] | null = null
    while ((slices = await collect(library, seen.view, { ...wanted, from: start, to: stop }, rowsAtMost)) === null)
      stop = middle(start, stop) // more rows than the facts of the files let expect
    if (slices.length > 0) yield slices
    start = stop
  }
}

const middle = (from: number, to: number): number => from + Math.max(1, Math.floor((to - from) / 2))

/** All wanted rows, merged, by node; null when a window longer than a millisecond holds far more rows than asked. */
export async function collect(library: Library, view: View, wanted: RowsWanted, rowsAtMost: number): Promise<Slice[] | null> {
  const limit = wanted.to - wanted.from <= 1 ? Number.POSITIVE_INFINITY : 2 * rowsAtMost
  return onSoundFiles(library, concerned(view.files, wanted), async files => {
    const found = new RowSet()
    for (const file of files) if (!(await readRows(library.engine, library.folder, file, wanted, found, limit))) return null
    for (const rows of view.memory) for (const slice of rows.slices(wanted.nodes, wanted.from, wanted.to)) found.addSlice(slice)
    return found.slices(null, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  })
}

/** How much lies where, as far as it is known without reading. */
class Sight {
  readonly view: View
  readonly from: number
  readonly to: number
  private readonly wanted: RowsWanted
  private readonly cuts: readonly number[]

  constructor(view: View, wanted: RowsWanted) {
    this.view = { files: concerned(view.files, wanted), memory: view.memory }
    this.wanted = wanted
    let from = Number.POSITIVE_INFINITY
    let to = Number.NEGATIVE_INFINITY
    const ends = new Map<string, number>()
    for (const file of this.view.files) {
      from = Math.min(from, file.from)
      to = Math.max(to, file.to + 1)
      ends.set(file.period, Math.max(ends.get(file.period) ?? 0, file.to + 1))
    }
    for (const rows of view.memory)
      for (const slice of rows.slices(wanted.nodes, wanted.from, wanted.to)) {
        from = Math.min(from, slice.rows.times[slice.from]!)
        to = Math.max(to, slice.rows.times[slice.to - 1]! + 1)
      }
    this.from = Math.max(from, wanted.from)
    this.to = Math.min(to, wanted.to)
    this.cuts = [...new Set([...ends.values(), this.to])].filter(cut => cut <= this.to).sort((a, b) => a - b)
  }

  /** The end of a window from `start`: behind as many whole periods as fit, or a fraction of one. A file is so read by few windows. */
  stopAfter(start: number, rowsAtMost: number): number {
    let stop = 0
    for (const cut of this.cuts) {
      if (cut <= start) continue
      if (stop !== 0 && this.rowsBetween(start, cut) > rowsAtMost) break
      stop = cut
    }
    while (stop - start > 1 && this.rowsBetween(start, stop) > rowsAtMost) stop = middle(start, stop)
    return stop
  }

  private rowsBetween(from: number, to: number): number {
    let rows = 0
    for (const file of this.view.files) {
      if (file.from >= to || file.to < from) continue
      if (this.wanted.nodes === null) rows += share(file, from, to)
      else for (const node of this.wanted.nodes) rows += share(factsOf(file, node), from, to)
    }
    for (const set of this.view.memory) for (const slice of set.slices(this.wanted.nodes, from, to)) rows += slice.to - slice.from
    return rows
  }
}

/** Rows of a span that lie in [from, to), were they spread evenly. */
function share(span: { rows: number; from: number; to: number } | undefined, from: number, to: number): number {
  if (!span || span.from >= to || span.to < from) return 0
  return (span.rows * (Math.min(to, span.to + 1) - Math.max(from, span.from))) / (span.to + 1 - span.from)
}
