import { lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { DoppelError } from '@doppel/base'
import { HostIoError, type JvmHost } from '@doppel/jvm'

/** A folder or file that a program may use. */
export interface FileGrant {
  readonly path: string
  readonly writable: boolean
}

/** What the library reads to know its time zone; programs see it whatever they are granted. */
const SYSTEM: readonly string[] = ['/etc/localtime', '/etc/timezone', '/usr/share/zoneinfo']

/** `PATH` or `PATH:ro`. Throws `java.files` for what is not there. */
export function readFileGrant(text: string): FileGrant {
  const isReadOnly = text.endsWith(':ro')
  const path = isReadOnly ? text.slice(0, -3) : text
  try {
    return { path: realpathSync(path), writable: !isReadOnly }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new DoppelError(
      'java.files',
      `--files ${text}: ${path} cannot be used (${code}); expected a folder`,
      { path },
      cause,
    )
  }
}

/** The host’s files as far as they are granted; the rest of them is not there. `readable` may be read besides. */
export function jailFiles(host: JvmHost, grants: readonly FileGrant[], readable: readonly string[]): JvmHost {
  const roots = [...grants, ...[...readable, ...SYSTEM].flatMap(toRead)]
  const within = (real: string, root: string): boolean =>
    real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)
  const may = (path: string, write: boolean): boolean => {
    const real = realOf(resolve(host.workingFolder, path))
    return roots.some(root => (root.writable || !write) && within(real, root.path))
  }
  const check = (path: string, write: boolean): void => {
    if (!may(path, write)) throw new HostIoError('EACCES', 'Permission denied')
  }
  /** The entry itself is changed, not what it may lead to. */
  const checkEntry = (path: string): void => check(dirname(resolve(host.workingFolder, path)), true)
  return {
    ...host,
    stat: (path, follow) => {
      // A link is part of its folder; what it leads to must be granted itself.
      const seen =
        follow === false ? may(dirname(resolve(host.workingFolder, path)), false) || may(path, false) : may(path, false)
      const found = seen ? host.stat(path, follow) : undefined
      return found && { ...found, writable: found.writable && may(path, true) }
    },
    readLink: path => {
      check(dirname(resolve(host.workingFolder, path)), false)
      return host.readLink(path)
    },
    open: (path, mode) => {
      check(path, mode.write || mode.append || mode.create || mode.truncate)
      return host.open(path, mode)
    },
    list: path => (may(path, false) ? host.list(path) : undefined),
    makeFolder: path => {
      checkEntry(path)
      host.makeFolder(path)
    },
    remove: path => {
      checkEntry(path)
      host.remove(path)
    },
    rename: (from, to) => {
      checkEntry(from)
      checkEntry(to)
      host.rename(from, to)
    },
    realPath: path => (may(path, false) ? host.realPath(path) : resolve(host.workingFolder, path)),
    setModified: (path, ms) => {
      check(path, true)
      host.setModified(path, ms)
    },
  }
}

function toRead(path: string): FileGrant[] {
  try {
    return [{ path: realpathSync(path), writable: false }]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return []
  }
}

/** Links followed at most, as Linux does (path_resolution(7)). */
const MAX_LINKS = 40

/** A path with the links of all that exists of it followed, those that lead nowhere too: a file may yet be made there. */
function realOf(path: string, links = 0): string {
  if (links > MAX_LINKS) throw new HostIoError('ELOOP', 'Too many levels of symbolic links')
  const missing: string[] = []
  for (let at = path; ; at = dirname(at)) {
    try {
      return join(realpathSync(at), ...missing.reverse())
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
      if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) {
        return realOf(resolve(dirname(at), readlinkSync(at), ...missing.reverse()), links + 1)
      }
      if (at === dirname(at)) return path
      missing.push(basename(at))
    }
  }
}
