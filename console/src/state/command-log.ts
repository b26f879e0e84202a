import type { CommandView } from '../../../src/api/commands.ts'

/** What was asked for once, kept current by what comes live; newest first. Pure. */
export function mergeCommands(
  asked: readonly CommandView[],
  live: readonly CommandView[],
  wanted: (command: CommandView) => boolean,
): CommandView[] {
  const all = new Map(asked.map(one => [one.id, one]))
  // An answer that was under way must not turn a later state back.
  for (const one of live) if ((all.get(one.id)?.history.length ?? 0) <= one.history.length) all.set(one.id, one)
  return [...all.values()].filter(wanted).sort((a, b) => (a.id < b.id ? 1 : -1))
}
