import { arithmeticRows } from './arithmetic-rows.ts'
import { checkRows } from './check-rows.ts'
import { compareRows } from './compare-rows.ts'
import { controlRows } from './control-rows.ts'
import { memoryRows } from './memory-rows.ts'
import type { Row as InstructionRow } from './row.ts'
import { setRows } from './set-rows.ts'
import { variantRows } from './variant-rows.ts'

/** The name of an instruction of the P5 family. */
export type InstructionName =
  | keyof typeof memoryRows
  | keyof typeof arithmeticRows
  | keyof typeof compareRows
  | keyof typeof checkRows
  | keyof typeof setRows
  | keyof typeof controlRows
  | keyof typeof variantRows

const ALL: Readonly<Record<InstructionName, InstructionRow>> = {
  ...memoryRows,
  ...arithmeticRows,
  ...compareRows,
  ...checkRows,
  ...setRows,
  ...controlRows,
  ...variantRows,
}

/** Names by row number. */
export const ROW_NAMES: readonly InstructionName[] = Object.keys(ALL) as InstructionName[]
/** Rows by number. */
export const ROWS: readonly InstructionRow[] = ROW_NAMES.map(name => ALL[name])
/** Row numbers by name. */
export const Row: Readonly<Record<InstructionName, number>> = Object.fromEntries(
  ROW_NAMES.map((name, i) => [name, i]),
) as Record<InstructionName, number>
