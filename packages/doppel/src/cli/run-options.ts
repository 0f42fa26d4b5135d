import { access, constants, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DoppelError, formatSize, MIB, PAGE_BYTES, parseSize } from '@doppel/base'
import type { FaultRates } from '@doppel/board'
import type { ImageConfig } from '@doppel/images'
import type { CpuLimits, DiskRate, LatencyClass } from '@doppel/monitor'
import { isVolumeName, makeVolume } from '../host/volumes.ts'
import { readTimeout } from './read-timeout.ts'
import { type GdbAddress, readGdbAddress } from '../run/gdb.ts'
import { type NetworkOption, readPublish, readRate } from '../run/network.ts'
import { readFaults } from '../run/faults.ts'
import { type EventBreak, readEventBreak } from '../run/event-breaks.ts'
import { SAMPLE_FORMATS, type SampleOptions } from '../run/sampling.ts'
import type { TraceOptions } from '../run/trace.ts'
import { readSymbolFile, type SymbolFile } from '../run/symbols.ts'
import { findNetwork } from '../network/definitions.ts'
import type { Invocation } from './command.ts'
import { imageNames } from '../run/images.ts'

/** A disk image to attach. `overlay` keeps the file as it is and changes in memory. */
export interface DiskOption {
  readonly path: string
  readonly mode: 'read-write' | 'read-only' | 'overlay'
  /** What the guest finds it by; a name by its place when absent. */
  readonly serial?: string
}

/** A host folder to share. */
export interface VolumeOption {
  readonly hostPath: string
  readonly guestPath: string
  readonly readOnly: boolean
}

/** What `doppel run` was asked for: every value checked, paths absolute and their files readable. */
export interface RunOptions extends CpuLimits {
  /** What to run; absent when `kernel` or `firmware` says it alone. */
  readonly target?: { readonly kind: 'image'; readonly name: string } | { readonly kind: 'elf'; readonly path: string }
  /** How the image whose disk is the first of `disks` is to be run. */
  readonly root?: ImageConfig
  readonly memoryBytes: number
  readonly cpus: number
  readonly kernel?: string
  readonly initrd?: string
  readonly append?: string
  readonly disks: readonly DiskOption[]
  readonly volumes: readonly VolumeOption[]
  /** What each disk may be asked for. */
  readonly diskRate?: DiskRate
  readonly firmware?: string
  /** Where virtio devices are attached; PCI when absent. Over MMIO disks have the first slots. */
  readonly transport?: 'pci' | 'mmio'
  readonly network: NetworkOption
  readonly engine: 'interpreter' | 'translator'
  /** Each hart on a thread of its own; else they take turns on one. */
  readonly smp?: 'parallel'
  readonly timeoutMs?: number
  readonly stats: boolean
  /** Say where the guest spent its time. */
  readonly profile?: boolean
  /** Where the names of guest code are. */
  readonly symbols?: readonly SymbolFile[]
  /** Print the translated code at a guest address, `0x` and digits. */
  readonly dumpRegion?: string
  /** The run is a function of what is run and of this seed; what is to go wrong on purpose. */
  readonly deterministic?: { readonly seed: number; readonly faults?: FaultRates }
  /** Print at the end what stands for the machine's state. */
  readonly hash?: boolean
  /** What of it is traced, and the file where that goes. */
  readonly trace?: { readonly options: TraceOptions; readonly output?: string }
  /** Where it is written which code has run. */
  readonly coverage?: string
  /** What stops it. */
  readonly breakOn?: readonly EventBreak[]
  /** A profile by samples. */
  readonly sample?: SampleOptions
  /** Where a debugger may connect. */
  readonly gdb?: GdbAddress
  readonly verbose: boolean
  /** The guest's command; a shell when absent. */
  readonly command?: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

const DEFAULT_MEMORY_BYTES = 256 * MIB
const MIN_MEMORY_BYTES = 16 * MIB
/** One WebAssembly memory holds the guest's and the engine's own. */
const MAX_MEMORY_BYTES = 4000 * MIB
const MAX_CPUS = 8

/** Reads and checks `doppel run`'s flags. Throws `cli.*` for what makes no sense, `run.*` for files that are not there. */
export async function readRunOptions(invocation: Invocation): Promise<RunOptions> {
  const file = async (flag: string): Promise<string | undefined> => {
    const path = invocation.value(flag)
    return path === undefined ? undefined : await readableFile(path, `--${flag}`)
  }
  const target = await readTarget(invocation)
  const [kernel, initrd, firmware] = [await file('kernel'), await file('initrd'), await file('firmware')]
  const append = invocation.value('append')
  const symbols = await Promise.all(invocation.values('symbols').map(readSymbols))
  const dumpRegion = readAddress('dump-region', invocation.value('dump-region'))
  const coverage = invocation.value('coverage')
  const breakOn = invocation.values('break-on').map(readEventBreak)
  const timeoutMs = readTimeout(invocation.value('timeout'))
  const command = invocation.rest
  const cap = readFraction('cap', invocation.value('cap'))
  if (target === undefined && kernel === undefined && firmware === undefined) {
    throw new DoppelError(
      'cli.arguments',
      'nothing to run; expected an image such as linux or debian, a program.elf, --kernel FILE or --firmware FILE',
    )
  }
  if (target?.kind === 'elf' && kernel !== undefined) {
    throw new DoppelError('cli.arguments', `--kernel and the program ${target.path} exclude each other`)
  }
  if (command !== undefined && (target?.kind !== 'image' || command.length === 0)) {
    const reason = command.length === 0 ? 'no command follows --' : 'only an image runs a command after --'
    throw new DoppelError('cli.arguments', `${reason}; for example: doppel run linux -- uname -m`)
  }
  const smp = readSmp(invocation.value('smp'))
  const watching = ['profile', 'dump-region', 'gdb', 'sample', 'break-on', 'coverage'].find(
    flag => invocation.has(flag) || invocation.value(flag),
  )
  if (smp && watching !== undefined) {
    throw new DoppelError('cli.arguments', `--${watching} looks at harts that take turns; leave out --smp parallel`)
  }
  return {
    ...(target ? { target } : {}),
    memoryBytes: readMemory(invocation.value('memory')),
    cpus: readCpus(invocation.value('cpus')),
    ...(kernel === undefined ? {} : { kernel }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(append === undefined ? {} : { append }),
    disks: await Promise.all(invocation.values('disk').map(readDisk)),
    volumes: await Promise.all(invocation.values('volume').map(text => readVolume(text, invocation.env))),
    ...(firmware === undefined ? {} : { firmware }),
    ...readTransport(invocation.value('transport')),
    ...readDiskRate(invocation.value('disk-rate'), invocation.value('disk-operations')),
    network: await readNetwork(invocation),
    engine: coverage === undefined ? readEngine(invocation.value('engine')) : 'interpreter',
    ...(smp && { smp }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(cap === undefined ? {} : { cap }),
    ...readLatency(invocation.value('latency')),
    stats: invocation.has('stats'),
    ...(invocation.has('profile') ? { profile: true } : {}),
    ...(symbols.length > 0 && { symbols }),
    ...(dumpRegion === undefined ? {} : { dumpRegion }),
    ...readDeterministic(invocation, smp),
    ...readGdb(invocation),
    ...readSampling(invocation),
    ...(coverage !== undefined && { coverage: resolve(coverage) }),
    ...(breakOn.length > 0 && { breakOn }),
    verbose: invocation.has('verbose'),
    ...(command === undefined ? {} : { command }),
    env: invocation.env,
  }
}

const badValue = (flag: string, value: string, expected: string): DoppelError =>
  new DoppelError('cli.flag-value', `--${flag} is '${value}'; expected ${expected}`, { flag, value })

async function readTarget({ arguments: [name], env }: Invocation): Promise<RunOptions['target']> {
  if (name === undefined) return undefined
  if ((await imageNames(env)).includes(name)) return { kind: 'image', name }
  return { kind: 'elf', path: await readableFile(name, `'${name}' is no image doppel knows, and as a program`) }
}

/** A memory size in bytes: as people write it, or in bytes. Throws `cli.flag-value`. */
export function readMemory(text: string | number | undefined): number {
  if (text === undefined) return DEFAULT_MEMORY_BYTES
  let bytes: number
  try {
    bytes = typeof text === 'number' ? text : parseSize(text, 'M')
  } catch (error) {
    throw new DoppelError('cli.flag-value', `--memory: ${(error as Error).message}`, { value: text }, error)
  }
  if (bytes < MIN_MEMORY_BYTES || bytes > MAX_MEMORY_BYTES || bytes % PAGE_BYTES !== 0) {
    const range = `${formatSize(MIN_MEMORY_BYTES)} to ${formatSize(MAX_MEMORY_BYTES)}`
    throw badValue('memory', String(text), `${range}, in whole pages of ${PAGE_BYTES} bytes`)
  }
  return bytes
}

/** Whether, and by which seed, the run is to be repeatable. Throws `cli.flag-value`, `cli.arguments`. */
function readDeterministic(invocation: Invocation, smp: RunOptions['smp']): Pick<RunOptions, 'deterministic' | 'hash'> {
  const seed = invocation.value('seed')
  const hash = invocation.has('hash') ? { hash: true } : {}
  const faults = invocation.value('faults')
  if (!invocation.has('deterministic')) {
    const flag = seed !== undefined ? 'seed' : faults !== undefined ? 'faults' : 'hash'
    if (seed === undefined && faults === undefined && !invocation.has('hash')) return {}
    throw new DoppelError('cli.arguments', `--${flag} needs --deterministic: other runs are not alike`)
  }
  if (seed !== undefined && !/^\d{1,15}$/.test(seed)) throw badValue('seed', seed, 'a whole number')
  const isRecorded = invocation.has('recorded')
  const outside =
    ['volume', ...(isRecorded ? [] : ['publish', 'allow', 'deny'])].find(flag => invocation.values(flag).length > 0) ??
    ['disk-rate', 'disk-operations'].find(flag => invocation.value(flag) !== undefined)
  const network = invocation.value('network') ?? 'none'
  const isPrivate = network === 'none' || (isRecorded && network === 'nat')
  if (outside !== undefined || !isPrivate || smp) {
    const flag = outside ?? (smp ? 'smp parallel' : `network ${network}`)
    throw new DoppelError(
      'cli.arguments',
      isRecorded
        ? `a recorded machine takes no --${flag}; expected --network nat or none, and no folders`
        : `--deterministic and --${flag} exclude each other: what comes from outside differs from run to run`,
    )
  }
  const rates = faults !== undefined && { faults: readFaults(faults) }
  return { deterministic: { seed: Number(seed ?? 0), ...rates }, ...hash }
}

/** Where debuggers are listened for. Throws `cli.flag-value`, `cli.arguments`. */
export function readGdb(invocation: Invocation): Pick<RunOptions, 'gdb'> {
  const [text, waits] = [invocation.value('gdb'), invocation.has('gdb-wait')]
  if (text === undefined && waits) throw new DoppelError('cli.arguments', '--gdb-wait needs --gdb [HOST:]PORT')
  if (text === undefined) return {}
  const address = readGdbAddress(text)
  if (!address) throw badValue('gdb', text, '[HOST:]PORT, such as 1234')
  return { gdb: { ...address, waits } }
}

/** A file with names of guest code. Throws `run.file`. */
export async function readSymbols(text: string): Promise<SymbolFile> {
  const file = readSymbolFile(text)
  return { ...file, path: await readableFile(file.path, '--symbols') }
}

/** How often, and to which file, samples are taken. Throws `cli.flag-value`, `cli.arguments`. */
function readSampling(invocation: Invocation): Pick<RunOptions, 'sample'> {
  const [text, output] = [invocation.value('sample'), invocation.value('output')]
  if (text === undefined) return {}
  if (!/^\d{3,12}$/.test(text)) throw badValue('sample', text, 'a number of instructions, 100 or more, such as 100000')
  if (output === undefined || !SAMPLE_FORMATS.some(format => output.endsWith(`.${format}`))) {
    const files = SAMPLE_FORMATS.map(format => `.${format}`).join(', ')
    throw new DoppelError('cli.arguments', `--sample needs --output FILE that ends in ${files}`)
  }
  return { sample: { every: Number(text), output: resolve(output) } }
}

function readAddress(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (!/^(?:0x)?[0-9a-fA-F]{1,16}$/.test(text)) throw badValue(flag, text, 'an address in hexadecimal')
  return text.startsWith('0x') ? text : `0x${text}`
}

/** A number of harts. Throws `cli.flag-value`. */
export function readCpus(text: string | undefined): number {
  const cpus = text === undefined ? 1 : /^\d+$/.test(text) ? Number(text) : 0
  if (cpus < 1 || cpus > MAX_CPUS) throw badValue('cpus', text ?? '', `a whole number from 1 to ${MAX_CPUS}`)
  return cpus
}

async function readNetwork(invocation: Invocation): Promise<NetworkOption> {
  const mode = invocation.value('network') ?? (invocation.has('deterministic') ? 'none' : 'nat')
  const name = mode === 'nat' || mode === 'none' ? undefined : (await findNetwork(mode, invocation.env)).name
  const [capture, rate] = [invocation.value('capture'), invocation.value('network-rate')]
  const [allow, deny] = [invocation.values('allow'), invocation.values('deny')]
  if (name !== undefined && (allow.length > 0 || deny.length > 0)) {
    throw new DoppelError('cli.arguments', `--allow and --deny are the network's: see doppel network create ${name}`)
  }
  return {
    mode: mode === 'none' ? 'none' : 'nat',
    ...(name !== undefined && { name }),
    publish: invocation.values('publish').map(readPublish),
    policy: { ...(allow.length > 0 && { allow }), deny },
    ...(rate !== undefined && { bitsPerSecond: readRate(rate) }),
    ...(capture !== undefined && { capture: resolve(capture) }),
  }
}

function readEngine(text: string | undefined): RunOptions['engine'] {
  if (text === undefined) return 'translator'
  if (text === 'interpreter' || text === 'translator') return text
  throw badValue('engine', text, 'interpreter or translator')
}

/** How several harts run; undefined for in turn. Throws `cli.flag-value`. */
export function readSmp(text: string | undefined): RunOptions['smp'] {
  if (text === undefined || text === 'round-robin') return undefined
  if (text === 'parallel') return text
  throw badValue('smp', text, 'parallel or round-robin')
}

function readTransport(text: string | undefined): Pick<RunOptions, 'transport'> {
  if (text === undefined) return {}
  if (text === 'pci' || text === 'mmio') return { transport: text }
  throw badValue('transport', text, 'pci or mmio')
}

/** A disk's limits: bytes a second, such as 50M, and requests a second. Throws `cli.flag-value`. */
export function readDiskRate(
  bytes: string | undefined,
  operations: string | undefined,
): { readonly diskRate?: DiskRate } {
  if (bytes === undefined && operations === undefined) return {}
  const sized = bytes === undefined ? undefined : /^\d+(\.\d+)?[KMG]?$/i.test(bytes) ? parseSize(bytes, '') : 0
  if (sized !== undefined && sized < MIN_DISK_RATE)
    throw badValue('disk-rate', bytes ?? '', 'bytes a second, such as 50M')
  const count = operations === undefined ? undefined : /^\d{1,9}$/.test(operations) ? Number(operations) : 0
  if (count === 0) throw badValue('disk-operations', operations ?? '', 'requests a second, such as 500')
  return {
    diskRate: {
      ...(sized !== undefined && { bytesPerSecond: sized }),
      ...(count !== undefined && { operationsPerSecond: count }),
    },
  }
}
const MIN_DISK_RATE = 4096

/** A latency class. Throws `cli.flag-value`. */
export function readLatency(text: string | undefined): { readonly latency?: LatencyClass } {
  if (text === undefined) return {}
  if (text === 'batch' || text === 'realtime') return { latency: text }
  throw badValue('latency', text, 'batch or realtime')
}

/** A part of a whole, such as 0.5. Throws `cli.flag-value`. */
export function readFraction(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : 0
  if (value <= 0 || value > 1) throw badValue(flag, text, 'more than 0 and at most 1, such as 0.5')
  return value
}

/** A disk to attach, its file readable. Throws `cli.flag-value`, `run.file`. */
export async function readDisk(text: string): Promise<DiskOption> {
  const match = /^(.+?)(?::(ro|overlay))?$/.exec(text)
  if (!match?.[1]) throw badValue('disk', text, 'FILE, FILE:ro or FILE:overlay')
  const mode = match[2] === 'ro' ? 'read-only' : match[2] === 'overlay' ? 'overlay' : 'read-write'
  return { path: await readableFile(match[1], '--disk'), mode }
}

/** A folder to share, or a volume's name, which is made then. Throws `cli.flag-value`, `run.volume`. */
export async function readVolume(text: string, env: RunOptions['env'] = process.env): Promise<VolumeOption> {
  const match = /^(.+?):(\/[^:]*)(?::(ro|rw))?$/.exec(text)
  if (!match?.[1] || !match[2])
    throw badValue('volume', text, 'FOLDER:GUEST, NAME:GUEST or FOLDER:GUEST:ro with an absolute GUEST path')
  const hostPath = isVolumeName(match[1]) ? await makeVolume(match[1], env) : resolve(match[1])
  const found = await stat(hostPath).catch((error: unknown) => error as NodeJS.ErrnoException)
  if (found instanceof Error || !found.isDirectory()) {
    const reason = found instanceof Error ? `cannot be read (${found.code})` : 'is not a folder'
    throw new DoppelError('run.volume', `--volume: ${hostPath} ${reason}; expected a folder of this computer`, {
      hostPath,
    })
  }
  return { hostPath, guestPath: match[2], readOnly: match[3] === 'ro' }
}

/** The absolute path of a file that can be read. Throws `run.file`. */
export async function readableFile(path: string, what: string): Promise<string> {
  const full = resolve(path)
  try {
    await access(full, constants.R_OK)
    if ((await stat(full)).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : `not readable (${code})`
    throw new DoppelError('run.file', `${what}: ${full}: ${reason}`, { path: full, errno: code }, error)
  }
  return full
}
