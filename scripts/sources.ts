import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** The repository's folder. */
export const ROOT: string = join(import.meta.dirname, '..')

/** A TypeScript file of a package. */
export interface SourceFile {
  /** Path from the repository's folder. */
  readonly path: string
  readonly package: string
  readonly isTest: boolean
  readonly text: string
  /** What it imports, as written. */
  readonly imports: readonly string[]
}

const IMPORT = /(?:from|import)\s*\(?\s*'([^']+)'/g

/** All of the packages' own TypeScript files. */
export function sourceFiles(): SourceFile[] {
  return readdirSync(join(ROOT, 'packages')).flatMap(name =>
    readdirSync(join(ROOT, 'packages', name), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.(ts|js)$/.test(entry.name))
      .map(entry => relative(ROOT, join(entry.parentPath, entry.name)))
      .filter(path => !/\/(node_modules|dist)\//.test(path))
      .map(path => {
        const text = readFileSync(join(ROOT, path), 'utf8')
        return {
          path,
          package: name,
          isTest: /\.test\.ts$|\/(test|conformance|bench|oracles)\//.test(path),
          text,
          imports: [...text.matchAll(IMPORT)].map(match => match[1] as string),
        }
      }),
  )
}
