import { resolve } from 'node:path'
import { DoppelError, type SourceTarget } from '@doppel/base'
import type { DapArguments, DapProgram } from '@doppel/monitor'

/** Texts, or one alone. Throws `dap.argument`. */
export function listOf(given: DapArguments, name: string): readonly string[] {
  const value: unknown = given.all[name] ?? []
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.map(each => {
    if (typeof each === 'string' || typeof each === 'number') return String(each)
    throw new DoppelError('dap.argument', `${name} must be a text, a number, or a list of them`, { name })
  })
}

/** Where the compiler saw folders, and where they are here; the longest first. */
export type SourceMap = readonly (readonly [theirs: string, ours: string])[]

/** Reads `sourceMap`. Throws `dap.argument`. */
export function readSourceMap(given: DapArguments): SourceMap {
  return Object.entries(given.object('sourceMap').all)
    .map(([theirs, ours]) => {
      if (typeof ours === 'string') return [theirs.replace(/\/$/, ''), resolve(ours)] as const
      throw new DoppelError('dap.argument', `sourceMap must have a folder for '${theirs}'`, { name: 'sourceMap' })
    })
    .sort((a, b) => b[0].length - a[0].length)
}

/** The client's path of each of the program's files, and back. */
export function sourcePaths(
  target: Pick<SourceTarget, 'files'>,
  map: SourceMap,
  folder: string,
): Pick<DapProgram, 'pathOf' | 'fileOf'> {
  const pathOf = (file: string): string => {
    const found = map.find(([theirs]) => file === theirs || file.startsWith(`${theirs}/`))
    return found ? resolve(found[1] + file.slice(found[0].length)) : resolve(folder, file)
  }
  let known: ReadonlyMap<string, string> | undefined
  return {
    pathOf,
    fileOf: path => {
      known ??= new Map(target.files.map(file => [pathOf(file), file]))
      return known.get(resolve(path))
    },
  }
}
