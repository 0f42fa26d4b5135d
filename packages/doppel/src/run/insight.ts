import { describeRegions, physicalView, type RiscvCpu } from '@doppel/riscv'
import type { RunOptions } from '../cli/run-options.ts'
import { profileReport } from './profile.ts'
import { guestNames } from './symbols.ts'

/** What `--profile` and `--dump-region` print when a machine has ended; nothing where neither was asked for. */
export async function insight(cpu: RiscvCpu, options: RunOptions): Promise<string> {
  const { dumpRegion } = options
  let text = ''
  if (cpu.profile) {
    text += profileReport(cpu.profile, await guestNames(options, physicalView(cpu)))
  }
  if (dumpRegion !== undefined) {
    const regions = describeRegions(cpu, BigInt(dumpRegion))
    text += regions.length > 0 ? `${regions.join('\n\n')}\n` : `no translated region has ${dumpRegion}\n`
  }
  return text
}
