import { alertsSection } from './alerts.ts'
import type { UpOptions } from './options.ts'
import type { Section } from './section.ts'

/** Keeps the value's type checked where a section is listed. */
export const section = <K extends keyof UpOptions>(s: Section<K>): Section => s as unknown as Section

/** Keys of espalier.yaml that hold a tree, each parsed by a file of its own. */
export const sections: readonly Section[] = [section(alertsSection)]
