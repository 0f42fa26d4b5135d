import { binaryStandard } from './binary-standard.ts'
import { longStandard } from './long-standard.ts'
import { otherStandard } from './other-standard.ts'
import { p4Standard } from './p4-standard.ts'
import type { StandardRow } from './standard-row.ts'
import { stringStandard } from './string-standard.ts'
import { systemStandard } from './system-standard.ts'
import { tagStandard } from './tag-standard.ts'
import { textStandard } from './text-standard.ts'
import { titleStandard } from './title-standard.ts'

/** The name of a standard procedure. */
export type StandardName =
  | keyof typeof textStandard
  | keyof typeof binaryStandard
  | keyof typeof otherStandard
  | keyof typeof tagStandard
  | keyof typeof stringStandard
  | keyof typeof longStandard
  | keyof typeof titleStandard
  | keyof typeof systemStandard
  | keyof typeof p4Standard

const ALL: Readonly<Record<StandardName, StandardRow>> = {
  ...textStandard,
  ...binaryStandard,
  ...otherStandard,
  ...tagStandard,
  ...p4Standard,
  ...stringStandard,
  ...longStandard,
  ...titleStandard,
  ...systemStandard,
}

/** Names by number. */
export const STANDARD_NAMES: readonly StandardName[] = Object.keys(ALL) as StandardName[]
/** Standard procedures by number. */
export const STANDARD: readonly StandardRow[] = STANDARD_NAMES.map(name => ALL[name])
/** What a call of one gives where it failed and the program goes on. */
export function resultOnFault({ pushes, onFault }: StandardRow, args: readonly number[]): number | undefined {
  return pushes.length === 0 ? undefined : (onFault ?? args[0])
}
/** The numbers of standard procedures, the operands of `csp`. */
export const Csp: Readonly<Record<StandardName, number>> = Object.fromEntries(
  STANDARD_NAMES.map((name, i) => [name, i]),
) as Record<StandardName, number>
