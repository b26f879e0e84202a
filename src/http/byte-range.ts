/** Which bytes of a file are asked for (RFC 9110 §14). One range only: of several the whole is answered, as §14.2 allows. Pure. */
export type ByteRange =
  | { readonly kind: 'whole' }
  /** Without `to`. */
  | { readonly kind: 'part'; readonly from: number; readonly to: number }
  /** Nothing of the file lies in it: 416. */
  | { readonly kind: 'outside' }

const whole: ByteRange = { kind: 'whole' }
const outside: ByteRange = { kind: 'outside' }

/** `range`, `ifRange`: the headers; `etag`: the file's own, strong. */
export function byteRange(range: string | undefined, ifRange: string | undefined, etag: string, size: number): ByteRange {
  // Bytes of another file must not be joined to what the node has.
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return whole
  const [, first = '', last = ''] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(range) ?? []
  if (first === '' && last === '') return whole
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? outside : { kind: 'part', from: size - length, to: size }
  }
  const from = Number(first)
  if (last !== '' && Number(last) < from) return whole // no range at all (§14.1.1)
  if (from >= size) return outside
  return { kind: 'part', from, to: last === '' ? size : Math.min(Number(last) + 1, size) }
}
