import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where packages of this program have their code. */
export function codeFolders(packages: readonly string[]): string[] {
  return packages.map(name => dirname(fileURLToPath(import.meta.resolve(name))))
}

/** Names, sizes and times of the code in folders, as text: other files may generate other code. */
export function codeIn(folders: readonly string[]): string {
  const lines = folders.flatMap(folder =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.[jt]s$/.test(entry.name) && !entry.name.includes('.test.'))
      .map(entry => {
        const path = join(entry.parentPath, entry.name)
        const { size, mtimeMs } = statSync(path)
        return `${path} ${size} ${mtimeMs}`
      }),
  )
  return lines.sort().join('\n')
}
