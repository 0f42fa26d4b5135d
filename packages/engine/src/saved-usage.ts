import type { Operands } from './insn.ts'
import type { RegisterFile } from './layout.ts'
import type { RegisterSlot, Usage } from './usage.ts'

interface SavedUse {
  readonly slot: RegisterSlot
  readonly file: string
}

/** What rows use, as bytes; `files` are the state's register files by name. */
export function encodeUsages(
  usages: readonly Usage[],
  files: Readonly<Record<string, RegisterFile>>,
): Uint8Array<ArrayBuffer> {
  const nameOf = (file: RegisterFile): string => Object.keys(files).find(name => files[name] === file) ?? ''
  const use = ({ slot, file }: { slot: RegisterSlot; file: RegisterFile }): SavedUse => ({ slot, file: nameOf(file) })
  const saved = usages.map(usage => ({
    ...usage,
    reads: usage.reads.map(use),
    writes: usage.writes.map(use),
    access: usage.access && { ...usage.access, file: nameOf(usage.access.file) },
    operands: [...usage.operands],
  }))
  return new TextEncoder().encode(JSON.stringify(saved))
}

/** What was made bytes. */
export function decodeUsages(bytes: Uint8Array, files: Readonly<Record<string, RegisterFile>>): Usage[] {
  const saved = JSON.parse(new TextDecoder().decode(bytes)) as (Omit<
    Usage,
    'reads' | 'writes' | 'access' | 'operands'
  > & {
    readonly reads: readonly SavedUse[]
    readonly writes: readonly SavedUse[]
    readonly access?: Omit<NonNullable<Usage['access']>, 'file'> & SavedUse
    readonly operands: readonly (keyof Operands)[]
  })[]
  const use = ({ slot, file }: SavedUse): Usage['reads'][number] => ({ slot, file: files[file] as RegisterFile })
  return saved.map(
    ({ flow, mayExit, memory, spread, reads, writes, access, operands }): Usage => ({
      flow,
      mayExit,
      memory,
      spread,
      reads: reads.map(use),
      writes: writes.map(use),
      access: access && { ...access, file: files[access.file] as RegisterFile },
      operands: new Set(operands),
    }),
  )
}
