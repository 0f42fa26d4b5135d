import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DoppelError } from '@doppel/base'
import { cacheFolder } from '@doppel/images'
import { snapshotFolder } from '../sdk/snapshot-store.ts'
import { computerSpec, type Entries, type MachineEntry } from './entries.ts'

/**
 * How far a machine is kept from its user's program: in a thread of it, in a process of its own, or in one that reaches
 * no files but its own and may start no other program.
 */
export type Isolation = 'worker' | 'process' | 'jailed'
const ISOLATIONS: readonly Isolation[] = ['worker', 'process', 'jailed']

/** Reads an isolation level. Throws `cli.flag-value`. */
export function readIsolation(text: string, levels: readonly Isolation[] = ISOLATIONS): Isolation {
  const found = levels.find(level => level === text)
  if (found) return found
  throw new DoppelError('cli.flag-value', `--isolation is '${text}'; expected ${levels.join(' or ')}`, { value: text })
}

/**
 * Node's flags for a jailed machine's process (nodejs.org, "Permissions"): it may read doppel itself and the images it
 * runs, write its own record, its disks, and nothing else; it starts no programs or threads and
 * loads no native code. What it may reach on the network is for its policy to say. Throws `isolation.volume`.
 */
export function jailFlags(entries: Entries, entry: MachineEntry, env: NodeJS.ProcessEnv): string[] {
  const { id } = entry
  const spec = computerSpec(entry)
  const { disks, volumes, kernel, initrd, firmware, target, network } = spec.options
  if (volumes.length > 0) {
    throw new DoppelError(
      'isolation.volume',
      "a jailed machine shares no folders: Node's permission model takes away the calls that this needs",
    )
  }
  const files = [kernel, initrd, firmware, target?.kind === 'elf' ? target.path : undefined]
  const read = [
    ...programFolders(),
    ...files.filter(path => path !== undefined),
    ...disks.map(({ path }) => path),
    // What others use as well it may not change.
    cacheFolder(env),
    snapshotFolder(env),
    // A snapshot may lie over others beside it.
    ...(spec.snapshot === undefined ? [] : [dirname(spec.snapshot)]),
    // Who holds a claim on a disk, and whether it still runs.
    '/proc',
    // How names are looked up, and which mirror is used.
    '/etc/resolv.conf',
    '/etc/hosts',
    '/etc/apt',
  ]
  const write = [
    join(entries.folder, id),
    join(entries.folder, 'locks'),
    ...disks.filter(({ mode }) => mode === 'read-write').map(({ path }) => path),
    ...(network.capture === undefined ? [] : [network.capture]),
  ]
  return [
    '--permission',
    // The control socket is one too.
    '--allow-net',
    ...[...read, ...write].flatMap(granted).map(path => `--allow-fs-read=${path}`),
    ...write.flatMap(granted).map(path => `--allow-fs-write=${path}`),
  ]
}

/** A path as it is named, and as it really is: both are asked for. */
function granted(path: string): string[] {
  return existsSync(path) ? [...new Set([path, realpathSync(path)])] : [path]
}

/** Where this program's own code is: its packages, and those they use. */
function programFolders(): string[] {
  const own = fileURLToPath(new URL('../../', import.meta.url))
  for (let folder = own; ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules')
    if (existsSync(join(modules, '@doppel'))) return [dirname(own), modules, join(folder, 'package.json')]
    if (dirname(folder) === folder) return [own]
  }
}
