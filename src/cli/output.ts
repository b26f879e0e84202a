/** What the CLI writes: results on stdout, messages on stderr. Tables for people, JSON for programs; colour only on a terminal. */
export interface Output {
  /** True with --json. */
  readonly json: boolean
  readonly quiet: boolean
  /** stdout is a terminal: worth colours and progress. */
  readonly terminal: boolean
  /** One line (or block) of the result. */
  line(text: string): void
  /** The whole result as one JSON value, or one line of a stream. */
  value(value: unknown): void
  /** Raw bytes of the result; resolves when there is room for more. */
  bytes(piece: Uint8Array): Promise<void>
  /** A result: JSON with --json, else what `people` gives. */
  result(value: unknown, people: () => string): void
  /** On stderr, not with --quiet. */
  message(text: string): void
  /** A line on stderr that replaces the one before, '' takes it away. Only on a terminal, not with --quiet or --json. */
  progress(line: string): void
  readonly style: Style
}

export interface Style {
  dim(text: string): string
  bold(text: string): string
  good(text: string): string
  warn(text: string): string
  bad(text: string): string
}

const paint =
  (on: boolean, code: number) =>
  (text: string): string =>
    on ? `\u001b[${code}m${text}\u001b[0m` : text

export const styleOf = (colour: boolean): Style => ({
  dim: paint(colour, 2),
  bold: paint(colour, 1),
  good: paint(colour, 32),
  warn: paint(colour, 33),
  bad: paint(colour, 31),
})

/** Whatever a board says may be printed, and a terminal obeys what it prints: sequences that set its title, clear it or fill the
 *  clipboard are shown instead. Colours stay, lines and tabs too. */
export const harmless = (text: string): string => text.replace(obeyed, escaped)
const obeyed = /\u001b(?!\[[\d;]*m)|[\0-\b\v-\u001a\u001c-\u001f\u007f-\u009f]/g
const escaped = (control: string): string => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`

export interface Streams {
  write(text: string): void
  writeBytes(piece: Uint8Array): Promise<void>
  writeError(text: string): void
  readonly terminal: boolean
  /** stderr is a terminal: progress may be shown. Absent = no. */
  readonly errorTerminal?: boolean
}

export function openOutput(streams: Streams, options: { json: boolean; quiet: boolean; colour: boolean }): Output {
  const value = (v: unknown): void => streams.write(`${JSON.stringify(v)}\n`)
  const line = (text: string): void => streams.write(`${harmless(text)}\n`)
  return {
    json: options.json,
    quiet: options.quiet,
    terminal: streams.terminal,
    line,
    value,
    bytes: piece => streams.writeBytes(piece),
    result: (v, people) => (options.json ? value(v) : line(people())),
    message: text => {
      if (!options.quiet) streams.writeError(`${harmless(text)}\n`)
    },
    progress: line => {
      if (streams.errorTerminal && !options.quiet && !options.json) streams.writeError(`\r\u001b[2K${line}`)
    },
    style: styleOf(options.colour),
  }
}

/** Columns with two spaces between them; the last one is not padded. Colour codes take no width. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  const widths = titles.map((title, i) => Math.max(width(title), ...rows.map(row => width(row[i] ?? ''))))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === cells.length - 1 ? cell : cell + ' '.repeat(widths[i]! - width(cell))))
      .join('  ')
      .trimEnd()
  return [style.dim(line(titles)), ...rows.map(line)].join('\n')
}

/** Name and value below each other. */
export function facts(pairs: readonly (readonly [string, string])[], style: Style): string {
  const widest = Math.max(0, ...pairs.map(([name]) => name.length))
  return pairs.map(([name, value]) => `${style.dim(name.padEnd(widest))}  ${value}`).join('\n')
}

const width = (text: string): number => [...text.replace(/\u001b\[\d+m/g, '')].length

const two = (n: number): string => String(n).padStart(2, '0')

/** Local time with its offset: `2026-03-01 13:00:00 +01:00`. `withMs` adds the milliseconds. */
export function localTime(ms: number, withMs = false): string {
  const d = new Date(ms)
  const offset = -d.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
  const fraction = withMs ? `.${String(d.getMilliseconds()).padStart(3, '0')}` : ''
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}${fraction} ${zone}`
}

export const maybeTime = (ms: number | null): string => (ms === null ? '-' : localTime(ms))

/** A number as people read it: no 17 digits. */
export const shortNumber = (n: number): string => String(Number(n.toPrecision(6)))

export const fieldsText = (fields: Readonly<Record<string, number>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${shortNumber(value)}`)
    .join(' ')
