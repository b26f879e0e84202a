/** config: what people may set. Text of espalier.yaml, environment and flags come in; a checked options object goes out, or every
 *  problem with its place, what is allowed there, and which source it came from. It never reads a file, the environment or a
 *  clock: they are handed in. */
export { type ConfigFile, type Loaded, loadFile } from './file.ts'
export {
  type ConfigProblem,
  type LogLevel,
  type Resolved,
  resolveUp,
  type UpOptions,
  type UpSources,
  upKeys,
  upSettings,
} from './up.ts'
export { type Check, type Checked, numberOf, parseDurationMs } from './values.ts'
