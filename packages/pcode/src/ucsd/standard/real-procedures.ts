import { ExecutionError } from '../execution-errors.ts'
import { procedure, type StandardProcedure } from './standard-row.ts'

/** The highest power of ten that POT gives; a real ends before 10³⁹. */
const MAX_POWER = 38

function toInteger(number: number, name: string, prose: string, round: (x: number) => number): StandardProcedure {
  return procedure(number, name, 'real → integer', prose, m => {
    const value = round(m.popReal())
    if (!Number.isFinite(value)) return ExecutionError.floatingPoint
    // Cut to a word, as integers are everywhere: II.0's own compiler divides by the time it took, however short that was.
    m.push(value)
    return undefined
  })
}
function real(number: number, name: string, prose: string, compute: (x: number) => number): StandardProcedure {
  return procedure(number, name, 'real → real', prose, m => {
    const value = compute(m.popReal())
    if (Number.isNaN(value)) return ExecutionError.floatingPoint
    m.pushReal(value)
    return undefined
  })
}

/** Standard functions of reals. */
export const REAL_PROCEDURES: readonly StandardProcedure[] = [
  toInteger(23, 'TRC', 'Truncate towards zero.', Math.trunc),
  toInteger(24, 'RND', 'Round, halves away from zero.', x => Math.sign(x) * Math.floor(Math.abs(x) + 0.5)),
  real(25, 'SIN', 'Sine.', Math.sin),
  real(26, 'COS', 'Cosine.', Math.cos),
  real(27, 'TAN', 'Tangent.', Math.tan),
  real(28, 'ATAN', 'Arc tangent.', Math.atan),
  real(29, 'LN', 'Natural logarithm.', x => (x > 0 ? Math.log(x) : NaN)),
  real(30, 'EXP', 'Exponential.', Math.exp),
  real(31, 'SQRT', 'Square root.', Math.sqrt),
  procedure(36, 'POT', 'integer → real', 'Power of ten; 0 for one that is negative or too high.', m => {
    const power = m.popSigned()
    m.pushReal(power < 0 || power > MAX_POWER ? 0 : 10 ** power)
    return undefined
  }),
]
