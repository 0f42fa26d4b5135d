import { Field, type Program, type Routine, VALUE_BYTES, type ValueType } from '../program/program.ts'
import { ROWS } from '../rows/p5.ts'
import type { Row } from '../rows/row.ts'
import { STANDARD } from '../rows/standard.ts'

/** What one instruction takes from the operand stack and puts there, a letter for each value, the deepest first. */
export interface Effect {
  readonly pops: string
  readonly pushes: string
}

/** The row of the instruction whose first word is at `word`. Of verified code. */
export function rowAt(code: Int32Array, word: number): Row {
  return ROWS[code[word + Field.row] as number] as Row
}

/**
 * How an instruction changes the operand stack, which holds `stack` before it. Undefined when the stack has not what it
 * needs; types are compared by the caller. Operands must be verified.
 */
export function effectOf(program: Program, routine: Routine, row: Row, q: number, stack: string): Effect | undefined {
  switch (row.shape) {
    case undefined:
      return { pops: row.pops.join(''), pushes: row.pushes.join('') }
    case 'standard': {
      const procedure = STANDARD[q]
      return procedure && { pops: procedure.pops.join(''), pushes: procedure.pushes.join('') }
    }
    case 'call':
      return callEffect(program.routines[q], '')
    case 'indirect':
      return callEffect(program.signatures[q], 'ii')
    case 'return':
      return (routine.result ?? '') === row.pops.join('') ? { pops: row.pops.join(''), pushes: '' } : undefined
    case 'swap': {
      const pops = stack.slice(-2)
      return pops.length < 2 ? undefined : { pops, pushes: (pops[1] as string) + (pops[0] as string) }
    }
    case 'drop': {
      let from = stack.length
      for (let bytes = q; bytes > 0; bytes -= VALUE_BYTES[stack[from] as ValueType]) if (--from < 0) return undefined
      const pops = stack.slice(from)
      const bytes = pops.split('').reduce((sum, type) => sum + VALUE_BYTES[type as ValueType], 0)
      return bytes === q ? { pops, pushes: '' } : undefined
    }
  }
}

function callEffect(callee: { params: readonly string[]; result: string | undefined } | undefined, more: string) {
  return callee && { pops: callee.params.join('') + more, pushes: callee.result ?? '' }
}
