/** How a code is told to a person. */
export interface CodeText {
  /** What it says, as a sentence. */
  readonly sentence: string
  /** What is allowed, to stand behind "allowed: ". */
  readonly allowed: string
  /** What to do about it, as a sentence. */
  readonly mend: string
}

/** What was there, what is allowed, how to mend it. `got` says what was there, without a full stop; `allowed` replaces the code's
 *  own where the place is known more exactly. */
export const said = (text: CodeText, got: string, allowed: string = text.allowed): string =>
  `${got}; allowed: ${allowed}. ${text.mend}`
