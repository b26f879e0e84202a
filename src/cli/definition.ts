import type { Command } from 'commander'
import type { Context } from './context.ts'
import type { Exit } from './errors.ts'

/** A command's work: gets its context, answers with the exit code (nothing = done). */
export type Work = (context: Context) => Promise<Exit> | Promise<void>

/** Runs the work of the command that was called. */
export type Runner = (work: Work) => Promise<void>

/** Adds one command to the program. What its work needs is loaded when it runs: the whole CLI starts in 150 ms. */
export type Define = (program: Command, run: Runner) => void

/** The examples below a command's help. */
export const examples = (...lines: string[]): string => `\nExamples:\n${lines.map(line => `  $ ${line}`).join('\n')}`
