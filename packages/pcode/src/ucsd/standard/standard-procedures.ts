import { COMPILER_PROCEDURES } from './compiler-procedures.ts'
import { MEMORY_PROCEDURES } from './memory-procedures.ts'
import { REAL_PROCEDURES } from './real-procedures.ts'
import type { StandardProcedure } from './standard-row.ts'
import { SYSTEM_PROCEDURES } from './system-procedures.ts'
import { UNIT_PROCEDURES } from './unit-procedures.ts'

/** Every standard procedure, in the order of their numbers. */
export const STANDARD_PROCEDURES: readonly StandardProcedure[] = [
  ...MEMORY_PROCEDURES,
  ...UNIT_PROCEDURES,
  ...SYSTEM_PROCEDURES,
  ...REAL_PROCEDURES,
  ...COMPILER_PROCEDURES,
].sort((x, y) => x.number - y.number)

/** Standard procedures by their numbers; some numbers have none. */
export const BY_NUMBER: ReadonlyMap<number, StandardProcedure> = new Map(
  STANDARD_PROCEDURES.map(each => [each.number, each]),
)
