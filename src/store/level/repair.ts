import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'

/** LevelDB's own repair, in a process of its own: on a table whose keys are out of order it does not fail, it aborts (an assertion in
 *  its table builder), and that must not take the manager along. Answers with why it failed. */
export async function repairApart(dir: string): Promise<string | undefined> {
  return (await apart('await ClassicLevel.repair(dir)', dir))?.why
}

/** Does opening the folder, and compacting what is in it, end the process? Found out in one that may be ended. */
export async function endsProcess(dir: string): Promise<boolean> {
  const work = `const db = new ClassicLevel(dir, { compression: false })
    await db.open()
    await db.compactRange('', '\u{10ffff}')
    await db.close()`
  return (await apart(work, dir))?.ended === true
}

/** undefined: it went well. `ended`: not by an error, the process itself was ended. */
function apart(work: string, dir: string): Promise<{ why: string; ended: boolean } | undefined> {
  const program = `(async () => {
    const { ClassicLevel } = require(process.argv[1])
    const dir = process.argv[2]
    ${work}
  })().catch(error => { console.error(error.message); process.exit(1) })`
  const library = createRequire(import.meta.url).resolve('classic-level')
  return new Promise(resolve => {
    execFile(process.execPath, ['-e', program, library, dir], (error, _stdout, stderr) => {
      if (error === null) resolve(undefined)
      else
        resolve({
          why: stderr.trim().split('\n').at(-1) || error.message,
          ended: error.code !== 1 && typeof error.code !== 'string',
        })
    })
  })
}
