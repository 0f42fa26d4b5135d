import { DoppelError } from '@doppel/base'
import { type Program, type Routine, STORAGE } from '../program/program.ts'
import type { OperandKind, Row } from '../rows/row.ts'
import { STANDARD } from '../rows/standard.ts'
import { CODE_WORDS } from '../program/program.ts'

/** No object may be larger, so that address arithmetic on operands does not wrap. */
export const MAX_OBJECT_BYTES = 0x1000_0000
/** Words that `lip` reads. */
const PROCEDURE_BYTES = 8

/** The routine whose frame is `levels` static levels up from a routine; undefined when there is none. */
export function enclosing(program: Program, routine: number, levels: number): number | undefined {
  let at = routine
  for (let i = 0; i < levels; i++) {
    at = program.routines[at]?.parent ?? -1
    if (at < 0) return undefined
  }
  return at
}

/** True when `outer` is `inner` or encloses it. */
export function isWithin(program: Program, inner: number, outer: number): boolean {
  for (let at = inner; at >= 0; at = program.routines[at]?.parent ?? -1) if (at === outer) return true
  return false
}

/** Says in words why an operand is no good. */
type Complaint = string | undefined

function within(value: number, end: number, what: string): Complaint {
  return value >= 0 && value < end ? undefined : `${what} ${value} is not below ${end}`
}

/** Checks one operand of an instruction of routine number `index`. Limits the static levels it walks by the value itself. */
export function checkOperand(
  program: Program,
  index: number,
  row: Row,
  kind: OperandKind,
  value: number,
  p: number,
): Complaint {
  const routine = program.routines[index] as Routine
  const bytes = row.storage ? STORAGE[row.storage].bytes : row.pushes.length === 2 ? PROCEDURE_BYTES : 0
  switch (kind) {
    case 'level':
      return value >= 0 && enclosing(program, index, value) !== undefined ? undefined : `there is no level ${value}`
    case 'local': {
      const frame = program.routines[enclosing(program, index, p) ?? index] as Routine
      return (
        within(value + bytes, frame.frameBytes + 1, 'the offset') ?? within(value, frame.frameBytes + 1, 'the offset')
      )
    }
    case 'global':
      return (
        within(value + bytes, program.globalBytes + 1, 'the global') ??
        within(value, program.globalBytes + 1, 'the global')
      )
    case 'constant':
      return within(value, program.constants.length + 1, 'the constant')
    case 'number':
      return undefined
    case 'bytes':
      return within(value, MAX_OBJECT_BYTES, 'the size')
    case 'label':
      return within(value, routine.code.length / CODE_WORDS, 'the target')
    case 'outerLabel': {
      const outer = p > 0 ? program.routines[enclosing(program, index, p) ?? -1] : undefined
      return outer ? within(value, outer.code.length / CODE_WORDS, 'the target') : `there is no level ${p} to go to`
    }
    case 'routine': {
      const callee = program.routines[value]
      if (!callee || value === 0) return `there is no routine ${value} to call`
      return isWithin(program, index, callee.parent) ? undefined : `${callee.name} cannot be called from here`
    }
    case 'table':
      return within(value, program.tables.length, 'the table')
    case 'real':
      return within(value, program.reals.length, 'the real')
    case 'set':
      return within(value, program.sets.length, 'the set')
    case 'signature':
      return within(value, program.signatures.length, 'the signature')
    case 'standard':
      return within(value, STANDARD.length, 'the standard procedure')
  }
}

/** Refuses a program, saying which routine and instruction is to blame. */
export function refuse(code: string, program: Program, index: number, at: number, why: string): never {
  const routine = program.routines[index]
  throw new DoppelError(code, `p-code of ${routine?.name ?? 'the program'}, instruction ${at}: ${why}`, {
    routine: routine?.name,
    instruction: at,
  })
}
