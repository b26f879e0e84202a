/** Server-sent events as text → frames (html.spec.whatwg.org, "interpreting an event stream"). Pure: the caller reads the bytes. */
export interface SseFrame {
  readonly id: string | null
  readonly event: string
  readonly data: string
}

/** Takes pieces of the stream as they come and gives the frames that are complete. Comments (`: ping`) give none. */
export function sseParser(): (piece: string) => SseFrame[] {
  let rest = ''
  return piece => {
    rest += piece
    const frames: SseFrame[] = []
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const frame = parseFrame(rest.slice(0, end))
      if (frame) frames.push(frame)
      rest = rest.slice(end + 2)
    }
    return frames
  }
}

// Our own server writes \n only, so \r needs no care here.
function parseFrame(text: string): SseFrame | null {
  let id: string | null = null
  let event = 'message'
  const data: string[] = []
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'id') id = value
    else if (name === 'event') event = value
    else if (name === 'data') data.push(value)
  }
  return data.length === 0 ? null : { id, event, data: data.join('\n') }
}
