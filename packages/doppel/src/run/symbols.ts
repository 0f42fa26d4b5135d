import { readFile } from 'node:fs/promises'
import { inflateSync } from 'node:zlib'
import {
  CodeNames,
  DoppelError,
  EM_RISCV,
  elfSections,
  type GuestMemory,
  hex,
  isElf,
  type LineTable,
  parseLineTable,
  parseSymbols,
  SymbolTable,
} from '@doppel/base'
import { readKallsyms } from '@doppel/monitor'
import type { RunOptions } from '../cli/run-options.ts'

/** A file with names of guest code, and by how much the guest has it elsewhere. */
export interface SymbolFile {
  readonly path: string
  /** `0x` and digits. */
  readonly offset?: string
}

/** A file whose names are known, and by how much the guest has its code elsewhere. */
export interface NamedFile {
  readonly path: string
  readonly offset: bigint
}

/** Of one kernel all three are moved by the same distance, or the file is another kernel's. */
const LANDMARKS = ['linux_banner', 'init_task', '_start'] as const

/** Reads `FILE` or `FILE@OFFSET`. */
export function readSymbolFile(text: string): SymbolFile {
  const match = /^(.+)@(0x[0-9a-fA-F]{1,16})$/.exec(text)
  return match?.[1] && match[2] ? { path: match[1], offset: match[2] } : { path: text }
}

/**
 * All names there are for a guest's code: of the files asked for, else of what it boots, and of the Linux kernel that it has
 * in memory. Throws `elf.*`, `symbols.file`, `symbols.none`, and `symbols.kernel` for a file of another kernel than the guest's.
 */
export async function guestNames(
  options: Pick<RunOptions, 'symbols' | 'target' | 'kernel' | 'firmware'>,
  memory?: GuestMemory,
): Promise<CodeNames> {
  return (await guestNamesAndFiles(options, memory)).names
}

/** The same, and the ELF files that it is from. */
export async function guestNamesAndFiles(
  options: Pick<RunOptions, 'symbols' | 'target' | 'kernel' | 'firmware'>,
  memory?: GuestMemory,
): Promise<{ readonly names: CodeNames; readonly files: readonly NamedFile[] }> {
  const named: NamedFile[] = []
  const { symbols: asked = [], target, kernel, firmware } = options
  const own = memory && readKallsyms(memory)
  const program = target?.kind === 'elf' ? [target.path] : []
  const booted = [...program, kernel, firmware].filter(path => path !== undefined).map(path => ({ path }))
  const tables: SymbolTable[] = []
  const lines: (() => LineTable)[] = []
  const files: readonly SymbolFile[] = asked.length > 0 ? asked : booted
  for (const file of files) {
    const bytes = await bytesOf(file.path)
    // What is booted may well have no names.
    if (asked.length === 0 && (!isElf(bytes) || !hasSymbols(bytes, file.path))) continue
    const table = parseSymbols(bytes, { name: file.path, machine: EM_RISCV })
    const offset = file.offset === undefined ? distance(table, own, file.path) : BigInt(file.offset)
    tables.push(offset === 0n ? table : parseSymbols(bytes, { name: file.path, machine: EM_RISCV }, offset))
    lines.push(() => linesOf(bytes, file.path, offset))
    if (isElf(bytes)) named.push({ path: file.path, offset })
  }
  if (own) tables.push(own)
  const readLines = (): LineTable[] => lines.map(read => read()).filter(({ size }) => size > 0)
  return { names: new CodeNames(SymbolTable.join(tables), readLines), files: named }
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new DoppelError('symbols.file', `${path} cannot be read (${code})`, { path, code }, cause)
  }
}

function hasSymbols(bytes: Uint8Array, path: string): boolean {
  return elfSections(bytes, path, ['.symtab']).size > 0
}

/** How far the guest has its kernel from where the file says: it may choose that when it boots. */
function distance(table: SymbolTable, own: SymbolTable | undefined, path: string): bigint {
  const found = LANDMARKS.flatMap(name => {
    const [there, here] = [own?.find(name)?.address, table.find(name)?.address]
    return there === undefined || here === undefined ? [] : [{ name, there, here, by: there - here }]
  })
  // A program of its own has one of the names at most.
  const [first] = found
  if (!first || found.length < 2) return 0n
  const other = found.find(({ by }) => by !== first.by)
  if (!other) return first.by
  const at = ({ name, here, there }: typeof first): string => `${name} at ${hex(here)}, the guest at ${hex(there)}`
  throw new DoppelError(
    'symbols.kernel',
    `${path} is of another kernel than the guest's: it has ${at(first)}, but ${at(other)}; expected the vmlinux, or the System.map, of the kernel that runs`,
    { path },
  )
}

function linesOf(bytes: Uint8Array, path: string, offset: bigint): LineTable {
  const inflate = (packed: Uint8Array, maxBytes: number): Uint8Array =>
    inflateSync(packed, { maxOutputLength: maxBytes })
  const wanted = ['.debug_line', '.debug_line_str', '.debug_str']
  const sections = elfSections(bytes, path, wanted, inflate)
  const line = sections.get('.debug_line') ?? new Uint8Array()
  const [lineStrings, strings] = [sections.get('.debug_line_str'), sections.get('.debug_str')]
  return parseLineTable({ line, lineStrings, strings }, path, offset)
}
