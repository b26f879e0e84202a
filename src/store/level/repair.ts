import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'

/** LevelDB's own repair, in a process of its own: on a table whose keys are out of order it does not fail, it aborts (an assertion in
 *  its table builder), and that must not take the manager along. Answers with why it failed. */
export function repairApart(dir: string): Promise<string | undefined> {
  const program = `require(process.argv[1]).ClassicLevel.repair(process.argv[2])
    .catch(error => { console.error(error.message); process.exit(1) })`
  const library = createRequire(import.meta.url).resolve('classic-level')
  return new Promise(resolve => {
    execFile(process.execPath, ['-e', program, library, dir], (error, _stdout, stderr) => {
      if (error === null) resolve(undefined)
      else resolve(stderr.trim().split('\n').at(-1) || error.message)
    })
  })
}
