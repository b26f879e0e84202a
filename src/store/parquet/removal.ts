import { type Premises, writeFiles } from './premises.ts'
import { factsOf, windows } from './windows.ts'

const rowGroup = 32_768
const windowRows = 100_000

/** Writes every file that names the node anew without it. To be called when nothing of the node is in memory and no seal can come in
 *  between; a merge under way notices that its files changed and gives up. */
export async function removeFromFiles(premises: Premises, node: string): Promise<void> {
  const { manifest, shelf, library } = premises
  for (;;) {
    const file = manifest.state.files.find(file => factsOf(file, node))
    if (!file) return
    const release = shelf.hold([file])
    try {
      const nodes = Object.keys(file.nodes).filter(other => other !== node)
      const wanted = { nodes, sensors: null, from: file.from, to: file.to + 1 }
      const entered = await writeFiles(
        premises,
        { set: file.set, rowGroup },
        async write => {
          for await (const slices of windows(library, { files: [file], memory: [] }, wanted, windowRows)) await write(slices)
        },
        written =>
          manifest.change(state => {
            const at = state.files.indexOf(file)
            if (at < 0) return null
            return {
              ...state,
              next: premises.nextNumber(),
              files: [...state.files.slice(0, at), ...written, ...state.files.slice(at + 1)],
            }
          }),
      )
      if (entered) await shelf.retire([file])
    } finally {
      await release()
    }
  }
}
