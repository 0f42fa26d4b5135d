import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { DoppelError } from '@doppel/base'
import type { CpuLimits } from '@doppel/monitor'
import type { Isolation } from './isolation.ts'
import { startOf } from '../host/process-start.ts'
import type { RunOptions } from '../cli/run-options.ts'

/** What a machine's process is to run: a computer, or a program on a process machine. */
export type MachineSpec = ComputerSpec | ProgramSpec

/** A computer, as `doppel run` makes it. */
export interface ComputerSpec {
  readonly options: Omit<RunOptions, 'env'>
  /** A snapshot file to go on from, in place of booting. */
  readonly snapshot?: string | undefined
  /** A process of its own when not given. */
  readonly isolation?: Isolation | undefined
  /** Removes the entry when the machine has ended. */
  readonly remove: boolean
}

/** The machines that run programs. */
export type ProgramKind = 'java' | 'pascal' | 'p-system'

/** A program, its machine, and what it was started with. */
export interface ProgramSpec {
  readonly program: ProgramKind
  /** The words of its command line, as `doppel run` or `doppel java` takes them. */
  readonly words: readonly string[]
  /** The folder that they were given in. */
  readonly folder: string
  readonly limits: CpuLimits
  readonly remove: boolean
}

/** What a computer was recorded with. Throws `machine.kind` for a program. */
export function computerSpec({ name, spec }: Pick<MachineEntry, 'name' | 'spec'>): ComputerSpec {
  if ('options' in spec) return spec
  throw new DoppelError('machine.kind', `${name} is a program; expected a computer`, { name, program: spec.program })
}

/** One machine's record in the runtime folder, on disk as `machine.json`. */
export interface MachineEntry {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly createdMs: number
  readonly spec: MachineSpec
  /** The process that runs it, and when the kernel started that: numbers of processes are used again. */
  readonly pid?: number | undefined
  readonly pidStarted?: string | undefined
  /** It runs in the process of the terminal that it was started from. */
  readonly foreground?: true | undefined
  /** How it ended; absent while it runs, and when its process died. */
  readonly ended?: { readonly kind: string; readonly exitCode: number; readonly atMs: number } | undefined
}

/** What `doppel ps` calls what a machine runs: its image, or the file it was made of. */
export function imageName({ target, kernel, firmware }: Omit<RunOptions, 'env'>): string {
  if (target?.kind === 'image') return target.name
  return basename(target?.path ?? kernel ?? firmware ?? 'machine')
}

/** Where a machine is, as `doppel ps` says it: `dead` when its process is gone without a word. */
export type EntryState = 'created' | 'running' | 'exited' | 'dead'

const ID_BYTES = 6
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/

/** The folder for what runs now: only its owner may look inside. */
export function runtimeFolder(env: Readonly<Record<string, string | undefined>>): string {
  const base = env['XDG_RUNTIME_DIR']
  return base ? join(base, 'doppel') : join(tmpdir(), `doppel-${userInfo().uid}`)
}

/** The files of a machine's folder. */
export type EntryFile =
  | 'machine.json'
  | 'control.sock'
  | 'console.log'
  | 'process.log'
  | 'fork.snap'
  | 'incoming.json'
  | 'incoming.sock'
  | `claim-${string}`

/** Every machine's record in a runtime folder. */
export class Entries {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  pathOf(id: string, file: EntryFile): string {
    return join(this.folder, id, file)
  }

  /** Makes a record with a new id. Throws `machine.name` for a name that is no name or taken. */
  async create(spec: MachineSpec, image: string, nowMs: number, name?: string): Promise<MachineEntry> {
    if (name !== undefined && !NAME.test(name)) {
      throw new DoppelError('machine.name', `'${name}' is no name; use letters, digits, '.', '_' and '-'`, { name })
    }
    if (name !== undefined && (await this.all()).some(entry => entry.name === name)) {
      throw new DoppelError('machine.name', `there is a machine '${name}' already; remove it with doppel rm ${name}`)
    }
    const id = randomBytes(ID_BYTES).toString('hex')
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    await chmod(this.folder, 0o700)
    await mkdir(join(this.folder, id), { mode: 0o700 })
    const entry: MachineEntry = {
      id,
      name: name ?? `${image.replace(/[^a-zA-Z0-9]+/g, '-').replace(/^-|-$/g, '')}-${id.slice(0, 4)}`,
      image,
      createdMs: nowMs,
      spec,
    }
    await this.write(entry)
    return entry
  }

  /** Replaces a record, whole or not at all. */
  async write(entry: MachineEntry): Promise<void> {
    const path = this.pathOf(entry.id, 'machine.json')
    await writeFile(`${path}.new`, JSON.stringify(entry, undefined, 2), { mode: 0o600 })
    await rename(`${path}.new`, path)
  }
  async read(id: string): Promise<MachineEntry | undefined> {
    try {
      return JSON.parse(await readFile(this.pathOf(id, 'machine.json'), 'utf8')) as MachineEntry
    } catch {
      // Half a record is that of a process that died while making it.
      return undefined
    }
  }
  /** All records, the oldest first. */
  async all(): Promise<MachineEntry[]> {
    const ids = await readdir(this.folder).catch(() => [])
    const entries = await Promise.all(ids.map(id => this.read(id)))
    return entries.filter(entry => entry !== undefined).sort((a, b) => a.createdMs - b.createdMs)
  }
  /** The machine with this name, id or beginning of an id. Throws `machine.not-found`. */
  async find(which: string): Promise<MachineEntry> {
    const all = await this.all()
    const found = all.filter(entry => entry.name === which || entry.id === which)
    const begun = found.length > 0 ? found : all.filter(entry => which !== '' && entry.id.startsWith(which))
    if (begun.length === 1) return begun[0] as MachineEntry
    const reason = begun.length > 1 ? `is the beginning of ${begun.length} ids` : 'is no machine here'
    throw new DoppelError('machine.not-found', `'${which}' ${reason}; doppel ps --all shows them`, { which })
  }
  async remove(id: string): Promise<void> {
    await rm(join(this.folder, id), { recursive: true, force: true })
  }
}

/** Whether the machine's process is there, and is the one that was recorded. */
export function stateOf(entry: MachineEntry): EntryState {
  if (entry.ended) return 'exited'
  if (entry.pid === undefined) return 'created'
  return startOf(entry.pid) === entry.pidStarted ? 'running' : 'dead'
}
