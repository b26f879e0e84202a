/** How cards are arranged. Pure. */
export const orders = { trouble: 'trouble first', name: 'by name' } as const

export interface Group {
  /** null: those without a tag, or all. */
  readonly tag: string | null
  readonly ids: readonly string[]
}

/** A node stands under each of its tags; those without one come last. */
export function groupByTag(ids: readonly string[], tagsOf: (id: string) => readonly string[]): Group[] {
  const groups = new Map<string, string[]>()
  const rest: string[] = []
  for (const id of ids) {
    const tags = tagsOf(id)
    if (tags.length === 0) rest.push(id)
    for (const tag of tags) {
      const group = groups.get(tag)
      group ? group.push(id) : groups.set(tag, [id])
    }
  }
  const tagged = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([tag, members]) => ({ tag, ids: members }))
  return rest.length > 0 ? [...tagged, { tag: null, ids: rest }] : tagged
}
