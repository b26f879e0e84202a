/** A value that can't be used: where it stands (flag, variable, or FILE:LINE), its key, what is wrong, what is allowed. */
export interface ConfigProblem {
  readonly where: string
  readonly key: string
  readonly what: string
  readonly allowed: string
}

/** `FILE:LINE: key: what; allowed: …` */
export const problemText = ({ where, key, what, allowed }: ConfigProblem): string =>
  `${where}: ${key}${key ? ': ' : ''}${what}; allowed: ${allowed}`
