import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { DoctorReport, Finding } from '../api/settings.ts'
import { findings } from '../contract/findings.ts'
import { openFileFindings, reportOf } from './doctor.ts'
import { openFiles } from './open-files.ts'

const lowDiskBytes = 500 * 1024 * 1024

/** What can be seen of a data directory while no server runs in it; null: there is none. It opens nothing that a server may hold. */
export async function offlineDoctor(data: string): Promise<DoctorReport | null> {
  if (!(await stat(data).catch(() => null))?.isDirectory()) return null
  const out: Finding[] = openFileFindings(await openFiles(data))
  const disk = await statfs(data)
  const free = disk.bavail * disk.bsize
  if (free < lowDiskBytes)
    out.push({
      code: 'disk_low',
      severity: 'warning',
      subject: data,
      what: `${Math.floor(free / 2 ** 20)} MiB free`,
      fix: findings.disk_low.mend,
    })
  const aside = await readdir(join(data, 'readings', 'quarantine')).catch(() => [])
  if (aside.length > 0)
    out.push({
      code: 'store_damaged',
      severity: 'error',
      subject: join(data, 'readings', 'quarantine'),
      what: `${aside.length} damaged files were set aside`,
      fix: findings.store_damaged.mend,
    })
  return reportOf(out)
}
