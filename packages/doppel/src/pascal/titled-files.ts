import { lstatSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_TITLED_BYTES, type Title, type TitleFault, type TitlePort } from '@doppel/pcode'

/** Where a title leads: a file of this computer, by a path that a binding grants. */
type Found = { readonly path: string } | { readonly fault: TitleFault }

/**
 * This computer's files as a program sees them by their titles (UCSD Pascal): `volume:` is bound to a folder, whose
 * files are the volume's, or to a file; a title without a volume is bound by itself, or is in the folder bound to `:`.
 */
export function titledFiles(bindings: ReadonlyMap<string, string>): TitlePort {
  return {
    read(title) {
      const found = locate(bindings, title, 'fileMissing')
      if ('fault' in found) return found.fault
      const status = lstatOf(found.path)
      if (status === undefined) return 'fileMissing'
      if (status.size > MAX_TITLED_BYTES) return 'noRoom'
      return failing(() => readFileSync(found.path), 'fileMissing')
    },
    write(title, bytes) {
      const found = locate(bindings, title, 'writeProtected')
      if ('fault' in found) return found.fault
      return given(failing(() => writeFileSync(found.path, bytes), 'writeProtected'))
    },
    remove(title) {
      const found = locate(bindings, title, 'fileMissing')
      if ('fault' in found) return found.fault
      if (lstatOf(found.path) === undefined) return 'fileMissing'
      return given(failing(() => unlinkSync(found.path), 'writeProtected'))
    },
  }
}

/** Where a title leads; `noFile` is the fault where what is there is no file. */
function locate(bindings: ReadonlyMap<string, string>, { volume, name }: Title, noFile: TitleFault): Found {
  const alone = volume === '' ? bindings.get(name.toLowerCase()) : undefined
  if (alone !== undefined) return { path: alone }
  const bound = bindings.get(`${volume}:`)
  if (bound === undefined) return { fault: volume === '' ? 'fileMissing' : 'noVolume' }
  const isFolder = statSync(bound, { throwIfNoEntry: false })?.isDirectory() === true
  if (name === '') return isFolder ? { fault: 'fileMissing' } : { path: bound }
  return isFolder ? inFolder(bound, name, noFile) : { fault: 'noVolume' }
}

/** A file of a folder, whichever letters it is spelled with; a new one is spelled as the program does. */
function inFolder(folder: string, name: string, noFile: TitleFault): Found {
  const names = failing(() => readdirSync(folder), 'noVolume')
  if (typeof names === 'string') return { fault: names }
  const wanted = name.toLowerCase()
  const known = names.includes(name) ? name : names.find(other => other.toLowerCase() === wanted)
  if (known === undefined) return { path: join(folder, name) }
  // A link may lead out of what was granted.
  return lstatOf(join(folder, known))?.isFile() === true ? { path: join(folder, known) } : { fault: noFile }
}

function lstatOf(path: string): ReturnType<typeof lstatSync> | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}
/** What the computer refuses is told to the program, which may go on. */
function failing<Result>(act: () => Result, fault: TitleFault): Result | TitleFault {
  try {
    return act()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return fault
  }
}
function given(result: void | TitleFault): TitleFault | undefined {
  return typeof result === 'string' ? result : undefined
}
