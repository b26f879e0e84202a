import type { LogLine } from '../../api/messages.ts'
import { decodeLog } from '../../contract/decode.ts'

/** The last log lines of each node, in memory: so many of one node, so many in all. */
export class LogLines {
  private readonly byNode = new Map<string, LogLine[]>()
  private total = 0
  private readonly perNode: number
  private readonly inAll: number

  constructor(perNode = 200, inAll = 10_000) {
    this.perNode = perNode
    this.inAll = inAll
  }

  add(node: string, payload: Uint8Array, arrived: number): LogLine {
    const { level, msg, timestamp } = decodeLog(payload)
    const line: LogLine = { time: arrived, sent: timestamp === null ? null : Math.round(timestamp * 1000), level, msg }
    const lines = this.byNode.get(node) ?? []
    // Who spoke last stands last: the room of the longest silent is taken first.
    this.byNode.delete(node)
    this.byNode.set(node, lines)
    lines.push(line)
    this.total++
    if (lines.length > this.perNode) this.drop(node, lines)
    while (this.total > this.inAll) this.dropOldest()
    return line
  }

  of(node: string): LogLine[] {
    return (this.byNode.get(node) ?? []).toReversed()
  }

  private dropOldest(): void {
    const [node, lines] = this.byNode.entries().next().value as [string, LogLine[]]
    this.drop(node, lines)
  }

  private drop(node: string, lines: LogLine[]): void {
    lines.shift()
    this.total--
    if (lines.length === 0) this.byNode.delete(node)
  }
}
