/** backup: what is kept, as one file, and back. Sources (files that never change, the pairs of a database, bytes) come in, a file of
 *  frames goes out (format.ts); and a file comes in, a data directory goes out, in the place of the old one. It promises that a file in
 *  which one bit is wrong is refused, that a restore changes nothing until everything is checked and on the disk, and that a power cut
 *  leaves the old directory or the new. It never decides when the cut is made, and never holds up whoever writes. */
export { BadBackup, type Contents } from './format.ts'
export {
  type Checked,
  checkBackup,
  contentsOfBackup,
  NoRoom,
  type Restored,
  type RestoreOptions,
  restoreBackup,
} from './restore.ts'
export { bytesSource, fileSource, pairsSource } from './sources.ts'
export { finishRestore, IsMountPoint } from './swap.ts'
export { type Source, SourceDamaged, writeBackup } from './write.ts'
