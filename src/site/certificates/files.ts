import { readFile } from 'node:fs/promises'

/** null: there is no such file. */
export const readIfThere = (file: string): Promise<string | null> =>
  readFile(file, 'utf8').catch(error => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  })
