import { Problem } from './problem.ts'
import type { Runtime } from './runtime.ts'

/** Sees to it that so many bytes from an address are of the variable that begins at `variable` and has `bytes`. */
export function checkArea({ memory }: Runtime, address: number, variable: number, bytes: number, count: number): void {
  if (address < 0 || variable < 0 || address + count > memory.bytes.length) throw new Problem('memory')
  if (count > 0 && (address < variable || address + count > variable + bytes))
    throw new Problem('beyondVariable', [count])
}
