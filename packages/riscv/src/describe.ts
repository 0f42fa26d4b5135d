import { disassemble } from '@doppel/engine'
import { riscvAssembly } from './assembly.ts'
import type { RiscvCpu } from './cpu.ts'
import { Access } from './pmp.ts'

const PAGE_OFFSET = 0xfffn

/**
 * The translated regions that have the instruction at an address, as text. The address is guest-virtual, by hart 0's page
 * tables as they are now, or guest-physical where those have nothing.
 */
export function describeRegions(cpu: RiscvCpu, address: bigint): string[] {
  const [low, high] = [Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n))]
  const walker = cpu.harts[0]?.walker
  const found = [1, 0].map(
    privilege => walker?.translate(low, high, Access.execute, { privilege, sum: false, mxr: false }) ?? -1,
  )
  const { frames } = cpu.engine
  const page = [...found, Number(address)].map(gpa => frames.page(gpa)).find(at => at >= 0)
  if (page === undefined) return []
  return cpu.engine.describeRegions(page, Number(address & PAGE_OFFSET), (word, offset) =>
    disassemble(riscvAssembly, word, (address & ~PAGE_OFFSET) + BigInt(offset)),
  )
}
