import type { MessageView, Verdict } from '../../../src/api/messages.ts'

/** How a verdict is told. Pure. */
export const told: Readonly<Record<Verdict, { readonly word: string; readonly tone: 'ok' | 'warn' | 'bad' | 'info' }>> = {
  stored: { word: 'stored', tone: 'ok' },
  duplicate: { word: 'duplicate', tone: 'info' },
  rejected: { word: 'rejected', tone: 'bad' },
  status: { word: 'status', tone: 'info' },
  ack: { word: 'ack', tone: 'info' },
  log: { word: 'log', tone: 'info' },
  denied: { word: 'denied', tone: 'bad' },
  refused: { word: 'refused', tone: 'bad' },
  fight: { word: 'id fight', tone: 'bad' },
  wrong_topic: { word: 'wrong topic', tone: 'bad' },
}

/** The raw text in three parts, the middle one being what is wrong; an empty place marks the character behind it, or the end. */
export function marked({ raw, at }: Pick<MessageView, 'raw' | 'at'>): readonly [before: string, wrong: string, after: string] {
  const text = raw ?? ''
  if (!at) return [text, '', '']
  const end = at.offset + Math.max(1, at.length)
  return [text.slice(0, at.offset), text.slice(at.offset, end) || '⟨end⟩', text.slice(end)]
}
