import { parseTime } from '../api/times.ts'
import { badInput } from './refused.ts'

/** Unix ms of a time in a query, or a refusal that names the place. */
export function timeOf(path: string, text: string, nowMs: number): number {
  const parsed = parseTime(text, nowMs)
  if (!parsed.ok) throw badInput(path, parsed.message, parsed.allowed)
  return parsed.ms
}
