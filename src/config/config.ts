/** config: what people may set. Text of espalier.yaml, environment and flags come in; a checked options object goes out, or every
 *  problem with its place, what is allowed there, and which source it came from. It never reads a file, the environment or a
 *  clock: they are handed in. */
export { brokerUrl } from './broker-url.ts'
export { type ConfigFile, type Loaded, loadFile } from './file.ts'
export type { ExternalBroker, LogLevel, UpOptions } from './options.ts'
export { type ConfigProblem, problemText } from './problem.ts'
export { type Resolved, resolveUp, type UpSources } from './resolve.ts'
export { sections } from './sections.ts'
export { defaultText, keyOf, upSettings, variablesOf } from './settings.ts'
export { parseDurationMs } from './units.ts'
export type { Checked } from './values.ts'
