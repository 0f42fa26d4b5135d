import { DoppelError } from '@doppel/base'

/** What a kernel module says of itself in its .modinfo section. */
export interface ModuleInfo {
  readonly depends: readonly string[]
  /** Modules to load before this one where they exist: `softdep: pre:`. */
  readonly softBefore: readonly string[]
  readonly aliases: readonly string[]
}

/** A module chosen for an image. */
export interface ChosenModule extends ModuleInfo {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Modules are named with `_` and `-` alike; the kernel compares them with `_`. */
export const moduleName = (text: string): string => text.replaceAll('-', '_')

const ELF_HEADER_BYTES = 64
const SECTION_HEADER_BYTES = 64

/** Reads .modinfo of a 64-bit little-endian ELF module (ELF gABI ch. 4). `where` names it. Throws `module.format`. */
export function readModuleInfo(module: Uint8Array, where: string): ModuleInfo {
  const depends: string[] = []
  const softBefore: string[] = []
  const aliases: string[] = []
  const text = new TextDecoder('latin1').decode(section(module, '.modinfo', where))
  for (const entry of text.split('\0')) {
    const equals = entry.indexOf('=')
    const [key, value] = [entry.slice(0, equals), entry.slice(equals + 1)]
    if (key === 'depends') depends.push(...value.split(',').filter(name => name !== ''))
    if (key === 'alias') aliases.push(value)
    const before = key === 'softdep' ? /\bpre:((?:\s+[^\s:]+)+)(?=\s|$)/.exec(value)?.[1] : undefined
    if (before !== undefined) softBefore.push(...before.trim().split(/\s+/))
  }
  return { depends: depends.map(moduleName), softBefore: softBefore.map(moduleName), aliases }
}

function section(module: Uint8Array, wanted: string, where: string): Uint8Array {
  const fail = (reason: string): DoppelError =>
    new DoppelError('module.format', `${where} is not a kernel module that doppel can read: ${reason}`, { where })
  const view = new DataView(module.buffer, module.byteOffset, module.byteLength)
  if (module.length < ELF_HEADER_BYTES || view.getUint32(0) !== 0x7f454c46) throw fail('no ELF header')
  if (module[4] !== 2 || module[5] !== 1) throw fail('expected 64-bit little-endian ELF')
  const table = Number(view.getBigUint64(40, true))
  const count = view.getUint16(60, true)
  if (table + count * SECTION_HEADER_BYTES > module.length) throw fail('the section table goes past the end')
  const bytesOf = (index: number): Uint8Array => {
    const at = table + index * SECTION_HEADER_BYTES
    const offset = Number(view.getBigUint64(at + 24, true))
    const size = Number(view.getBigUint64(at + 32, true))
    if (offset + size > module.length) throw fail(`section ${index} goes past the end`)
    return module.subarray(offset, offset + size)
  }
  const namesIndex = view.getUint16(62, true)
  if (namesIndex >= count) throw fail('no section names')
  const names = new TextDecoder('latin1').decode(bytesOf(namesIndex))
  for (let index = 0; index < count; index++) {
    const name = view.getUint32(table + index * SECTION_HEADER_BYTES, true)
    if (names.startsWith(`${wanted}\0`, name)) return bytesOf(index)
  }
  throw fail(`no section ${wanted}`)
}

/**
 * The modules named by `roots` with all they depend on, each after its dependencies. `load` gives a module's bytes
 * by name, or undefined where there is no such module; `builtin` names those inside the kernel. Throws
 * `module.missing` naming who needs what.
 */
export async function moduleClosure(
  roots: readonly string[],
  load: (name: string) => Promise<Uint8Array | undefined>,
  builtin: ReadonlySet<string>,
): Promise<ChosenModule[]> {
  const chosen = new Map<string, ChosenModule>()
  const underWay = new Set<string>()
  const visit = async (name: string, neededBy: string | undefined): Promise<void> => {
    if (chosen.has(name) || builtin.has(name) || underWay.has(name)) return
    underWay.add(name)
    const bytes = await load(name)
    if (bytes === undefined) {
      if (neededBy === undefined) return
      throw new DoppelError('module.missing', `module ${neededBy} needs ${name}, which the kernel package lacks`, {
        name,
        neededBy,
      })
    }
    const info = readModuleInfo(bytes, name)
    // A soft dependency may be an alias or absent: it is loaded if it is a module's name.
    for (const soft of info.softBefore) await visit(soft, undefined)
    for (const dependency of info.depends) await visit(dependency, name)
    chosen.set(name, { name, bytes, ...info })
  }
  for (const root of roots.map(moduleName)) await visit(root, 'doppel’s list')
  return [...chosen.values()]
}

/** `modules.dep` as modprobe reads it: each module's path with all it needs, nearest first (modules.dep(5)). */
export function modulesDep(modules: readonly ChosenModule[], pathOf: (name: string) => string): string {
  const byName = new Map(modules.map(module => [module.name, module]))
  const needs = (module: ChosenModule, seen: Set<string>): Set<string> => {
    for (const name of [...module.depends, ...module.softBefore]) {
      const needed = byName.get(name)
      if (!needed || seen.has(name)) continue
      seen.add(name)
      needs(needed, seen)
    }
    return seen
  }
  return modules
    .map(module => {
      const paths = [...needs(module, new Set())].map(pathOf)
      return `${pathOf(module.name)}:${paths.map(path => ` ${path}`).join('')}\n`
    })
    .join('')
}

/** `modules.alias` as modprobe reads it: by which hardware or request names a module is found. */
export function modulesAlias(modules: readonly ChosenModule[]): string {
  return modules.flatMap(module => module.aliases.map(alias => `alias ${alias} ${module.name}\n`)).join('')
}
