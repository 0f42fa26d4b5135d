import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Undefined when all programs are on the path; otherwise what a skipped test's name says about it. */
export function installed(...programs: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const missing = programs.filter(program => !folders.some(folder => existsSync(join(folder, program))))
  return missing.length === 0 ? undefined : ` (skipped: ${missing.join(', ')} not installed)`
}
