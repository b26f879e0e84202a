/** Which statuses are births (wire contract §4): a live `online: true` of a node that was not online, or under another boot. A node
 *  that spoke in no run of ours yet was not online. */
export class Births {
  private readonly last = new Map<string, { readonly online: boolean; readonly boot: number | null }>()

  isBirth(node: string, status: { readonly online: boolean; readonly boot?: number } | null, live: boolean): boolean {
    const before = this.last.get(node)
    if (!status) {
      this.last.delete(node)
      return false
    }
    const boot = status.boot ?? null
    const online = status.online
    // The will of an earlier boot says nothing about this one.
    if (!online && boot !== null && before && before.boot !== null && before.boot !== boot) return false
    // A retained `online: true` makes the state unknown: the next live one is a birth.
    this.last.set(node, { online: online && live, boot })
    return online && live && (!before?.online || before.boot !== boot)
  }
}
