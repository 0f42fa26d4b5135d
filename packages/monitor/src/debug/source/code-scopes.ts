import {
  AT,
  type CodeSpan,
  type DwarfEntry,
  type DwarfUnit,
  entryWith,
  nameOf,
  spansOf,
  TAG,
  type UnitFiles,
} from '@doppel/base'

/** A function whose code is at an address: its own, or put into another's. */
export interface ActiveFunction {
  readonly name: string
  readonly entry: DwarfEntry
  /** The blocks in it that are around the address, the innermost last. */
  readonly blocks: readonly DwarfEntry[]
  /** Where it was put in, seen from the function around it; undefined for one of its own. */
  readonly call: { readonly file: string; readonly line: number } | undefined
}

/** How deep blocks and inlined functions are in one another. */
const MAX_DEPTH = 128
const isIn = (spans: readonly CodeSpan[], address: bigint): boolean =>
  spans.some(({ start, end }) => address >= start && address < end)

/** What is at an address: the function, and those that the compiler has put into it there, the innermost last. Throws `dwarf.*`. */
export function functionsAt(unit: DwarfUnit, address: bigint, files: UnitFiles): readonly ActiveFunction[] {
  const own = findFunction(unit.root, address, 0)
  if (!own) return []
  const found: { entry: DwarfEntry; blocks: DwarfEntry[] }[] = [{ entry: own, blocks: [] }]
  let at: DwarfEntry | undefined = own
  for (let depth = 0; at && depth < MAX_DEPTH; depth++) {
    const inner: DwarfEntry | undefined = at.children.find(
      child => (child.tag === TAG.lexicalBlock || child.tag === TAG.inlinedSubroutine) && isIn(spansOf(child), address),
    )
    if (inner?.tag === TAG.lexicalBlock) found.at(-1)?.blocks.push(inner)
    else if (inner) found.push({ entry: inner, blocks: [] })
    at = inner
  }
  return found.map(({ entry, blocks }) => ({ name: nameOf(entry) ?? '', entry, blocks, call: callOf(entry, files) }))
}

/** Namespaces and classes have functions too. */
function findFunction(within: DwarfEntry, address: bigint, depth: number): DwarfEntry | undefined {
  for (const child of within.children) {
    if (child.tag === TAG.subprogram && isIn(spansOf(child), address)) return child
    if (child.tag !== TAG.namespace || depth === MAX_DEPTH) continue
    const found = findFunction(child, address, depth + 1)
    if (found) return found
  }
  return undefined
}

function callOf(entry: DwarfEntry, files: UnitFiles): ActiveFunction['call'] {
  if (entry.tag !== TAG.inlinedSubroutine) return undefined
  const [file, line] = [entry.number(AT.callFile), entry.number(AT.callLine)]
  return { file: files.path(Number(file ?? 0n)), line: Number(line ?? 0n) }
}

/** A variable or parameter as it is declared. */
export interface DeclaredVariable {
  readonly name: string
  readonly entry: DwarfEntry
}

/** The variables of a function that are seen at an address: those of the innermost block first. Throws `dwarf.*`. */
export function variablesOf({ entry, blocks }: ActiveFunction): readonly DeclaredVariable[] {
  const found = new Map<string, DeclaredVariable>()
  for (const scope of [...blocks.toReversed(), entry]) {
    for (const child of scope.children) {
      if (child.tag !== TAG.variable && child.tag !== TAG.formalParameter) continue
      const name = nameOf(child)
      if (name !== undefined && !found.has(name)) found.set(name, { name, entry: child })
    }
  }
  return [...found.values()]
}
/** The variables outside of all functions that a unit defines. */
export function globalsOf(unit: DwarfUnit): readonly DeclaredVariable[] {
  return unit.root.children.flatMap(entry => {
    const name = entry.tag === TAG.variable && entryWith(entry, AT.location) ? nameOf(entry) : undefined
    return name === undefined ? [] : [{ name, entry }]
  })
}
