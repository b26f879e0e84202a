import type { RollupEntry } from './manifest.ts'
import { type Premises, writeFiles } from './premises.ts'
import { rewritten } from './rollup-upkeep.ts'
import { factsOf, windows } from './windows.ts'

const rowGroup = 32_768
const windowRows = 100_000

/** Takes a node out of every file. To be called when nothing of the node is in memory and no seal can come in
 *  between; a merge under way notices that its files changed and gives up. */
export async function removeFromFiles(premises: Premises, node: string): Promise<void> {
  await removeFromRows(premises, node)
  await removeFromRollups(premises, node)
}

/** Writes every file that names the node anew without it; roll-ups of that week are made again later. */
async function removeFromRows(premises: Premises, node: string): Promise<void> {
  const { manifest, shelf, rollupShelf, library } = premises
  for (;;) {
    const file = manifest.state.files.find(file => factsOf(file, node))
    if (!file) return
    const release = shelf.hold([file])
    let said: readonly RollupEntry[] = []
    try {
      const nodes = Object.keys(file.nodes).filter(other => other !== node)
      const wanted = { nodes, sensors: null, from: file.from, to: file.to + 1 }
      const entered = await writeFiles(
        premises,
        { set: file.set, rowGroup, arrived: file.arrived },
        async write => {
          for await (const slices of windows(library, { files: [file], memory: [] }, wanted, windowRows)) await write(slices)
        },
        written =>
          manifest.change(state => {
            const at = state.files.indexOf(file)
            if (at < 0) return null
            said = state.rollups.filter(entry => entry.sources?.includes(file.name))
            return {
              ...state,
              next: premises.nextNumber(),
              files: [...state.files.slice(0, at), ...written, ...state.files.slice(at + 1)],
              rollups: state.rollups.filter(entry => !said.includes(entry)),
            }
          }),
      )
      if (!entered) continue
      await shelf.retire([file])
      await rollupShelf.retire(said)
    } finally {
      await release()
    }
  }
}

/** The same for roll-ups that stand for rows that are gone. */
async function removeFromRollups(premises: Premises, node: string): Promise<void> {
  const { manifest, rollupShelf } = premises
  for (;;) {
    const entry = manifest.state.rollups.find(entry => factsOf(entry, node))
    if (!entry) return
    const release = rollupShelf.hold([entry])
    try {
      if ((await rollupShelf.check([entry])).length === 0) continue
      const others = Object.keys(entry.nodes).filter(other => other !== node)
      const written = others.length === 0 ? [] : await rewritten(premises, [entry], [others])
      const entered = await manifest.change(state => {
        if (!state.rollups.includes(entry)) return null
        const rest = state.rollups.filter(other => other !== entry)
        return { ...state, next: premises.nextNumber(), rollups: [...rest, ...written] }
      })
      await rollupShelf.retire(entered ? [entry] : written)
    } finally {
      await release()
    }
  }
}
