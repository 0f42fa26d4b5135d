import { CODE_WORDS, Field, type Routine, STORAGE, type StorageClass, VALUE_BYTES } from '../program/program.ts'
import { Row } from '../rows/p5.ts'
import { rowAt } from '../verify/effects.ts'
import { enclosing } from '../verify/operands.ts'
import type { VerifiedProgram } from '../verify/verify.ts'

/** Registers of a routine beyond this many stay in memory: more are of no use, and each costs where loops are entered anew. */
const MAX_REGISTERS = 48
const PROCEDURE_BYTES = 8

/** Where a routine's variables are. */
export interface FramePlan {
  /** How each variable in a register is stored in its frame's terms, by offset. */
  readonly registers: ReadonlyMap<number, StorageClass>
  /** True when a frame in memory is needed: for variables, or for inner routines to find the routine's own. */
  readonly inMemory: boolean
  /** True when some variable is in it. */
  readonly holdsVariables: boolean
  /** True when the routine is given the address of the enclosing routine's frame. */
  readonly takesLink: boolean
  /** True when its code is a value somewhere, so that it must be in the table of routines. */
  readonly isValue: boolean
}

/** Uses of one variable. */
interface Use {
  readonly storage: StorageClass
  readonly bytes: number
  clashes: boolean
}

class FrameUses {
  readonly byOffset = new Map<number, Use>()
  /** Variables whose address is taken, or that inner routines reach: [from, to) in the frame. */
  readonly escaped: [number, number][] = []

  note(offset: number, storage: StorageClass): void {
    const { bytes, type } = STORAGE[storage]
    const known = this.byOffset.get(offset)
    if (!known) this.byOffset.set(offset, { storage, bytes, clashes: false })
    else if (
      known.bytes !== bytes ||
      STORAGE[known.storage].type !== type ||
      isShort(known.storage) !== isShort(storage)
    ) {
      known.clashes = true
    }
  }
}
const isShort = (storage: StorageClass): boolean => storage === 'h'

/** Decides for every routine which variables live in registers: those used whole, by the routine alone, not by address. */
export function planFrames(verified: VerifiedProgram): FramePlan[] {
  const { program } = verified
  const uses = program.routines.map(() => new FrameUses())
  const values = new Set<number>()
  const parents = new Set(program.routines.map(routine => routine.parent))
  for (const { index, routine, stacks } of verified.routines) {
    const { code } = routine
    for (let at = 0; at < stacks.length; at++) {
      if (stacks[at] === undefined) continue
      const word = at * CODE_WORDS
      const number = code[word + Field.row] as number
      const [p, q] = [code[word + Field.p] as number, code[word + Field.q] as number]
      if (number === Row.lpa) values.add(q)
      const row = rowAt(code, word)
      if (row.operands[1]?.kind !== 'local') continue
      const owner = enclosing(program, index, p) as number
      const frame = uses[owner] as FrameUses
      const bytes = row.storage ? STORAGE[row.storage].bytes : number === Row.lip ? PROCEDURE_BYTES : undefined
      if (p === 0 && row.storage) frame.note(q, row.storage)
      else frame.escaped.push(extent(program.routines[owner] as Routine, q, bytes))
    }
  }
  return program.routines.map((routine, index) => {
    const registers = chooseRegisters(routine, uses[index] as FrameUses, program.undefined)
    const hasInner = index > 0 && parents.has(index)
    const rest = routine.frameBytes > registerBytes(registers)
    return {
      registers,
      inMemory: rest || hasInner,
      holdsVariables: rest,
      takesLink: routine.parent > 0 || values.has(index),
      isValue: values.has(index),
    }
  })
}

/** What code can reach that is given an address in a frame, or reaches in from an inner routine. */
function extent(routine: Routine, offset: number, bytes: number | undefined): [number, number] {
  const variable = routine.variables.find(v => v.offset <= offset && offset < v.offset + v.bytes)
  if (variable) return [variable.offset, variable.offset + variable.bytes]
  if (bytes !== undefined) return [offset, offset + bytes]
  // Without names for its variables, all that lies beyond; but parameters are each their own.
  const parameter = routine.paramOffsets.findIndex(
    (from, i) => from <= offset && offset < from + VALUE_BYTES[routine.params[i] ?? 'i'],
  )
  if (parameter >= 0) {
    const from = routine.paramOffsets[parameter] as number
    return [from, from + VALUE_BYTES[routine.params[parameter] ?? 'i']]
  }
  const next = routine.paramOffsets.filter(from => from > offset)
  return [offset, Math.min(routine.frameBytes, ...next)]
}

function chooseRegisters(routine: Routine, uses: FrameUses, undefinedWords: boolean): Map<number, StorageClass> {
  const chosen = new Map<number, StorageClass>()
  const offsets = [...uses.byOffset.keys()].sort((a, b) => a - b)
  offsets.forEach((offset, i) => {
    const use = uses.byOffset.get(offset) as Use
    const end = offset + use.bytes
    const previous = offsets[i - 1]
    const overlaps =
      (offsets[i + 1] ?? end) < end ||
      (previous !== undefined && previous + (uses.byOffset.get(previous) as Use).bytes > offset) ||
      uses.escaped.some(([from, to]) => from < end && offset < to)
    const variable = routine.variables.find(v => v.offset < end && offset < v.offset + v.bytes)
    const partial = variable !== undefined && (variable.offset !== offset || variable.bytes !== use.bytes)
    const parameter = routine.paramOffsets.indexOf(offset)
    const type = parameter < 0 ? undefined : routine.params[parameter]
    const misfit = type !== undefined && type !== STORAGE[use.storage].type
    // What a variable that is not aligned holds before it has a value is not worth making up in a register.
    const crooked = undefinedWords && use.bytes >= VALUE_BYTES.i && offset % VALUE_BYTES.i !== 0
    if (crooked || use.clashes || overlaps || partial || misfit || chosen.size >= MAX_REGISTERS) return
    chosen.set(offset, use.storage)
  })
  return chosen
}
function registerBytes(registers: ReadonlyMap<number, StorageClass>): number {
  let sum = 0
  for (const storage of registers.values()) sum += STORAGE[storage].bytes
  return sum
}
