import { formatSize } from '@doppel/base'
import type { ThreadStats } from '@doppel/riscv'
import type { RunningMachine } from './machine.ts'

type EngineStats = ThreadStats['engine']
type PartStats = Omit<ThreadStats, 'engine'> & { readonly engine: EngineStats | undefined }

const count = (value: number | bigint): string => value.toLocaleString('en-US')

/** What a machine did, for `--stats`: one line a figure. */
export function statsReport({ cpu, threads, vm, elapsedNs }: RunningMachine): string {
  const retired = vm.cpu.harts.reduce((sum, hart) => sum + hart.retired, 0n)
  const seconds = elapsedNs() / 1e9
  // What harts did on threads of their own, and what they did here.
  const harts = cpu.harts.map(({ stats }) => ({ ...stats, tlbMisses: 0, deviceAccesses: 0, engine: undefined }))
  const own: PartStats = { exceptions: 0, interrupts: 0, ...cpu.stats, engine: cpu.engine.stats }
  const parts: readonly PartStats[] = [...harts, own, ...(threads?.threadStats ?? [])]
  const sum = (of: (part: PartStats) => number): number => parts.reduce((total, part) => total + of(part), 0)
  const engine = (name: keyof EngineStats): number => sum(part => part.engine?.[name] ?? 0)
  const tlbMisses = cpu.harts.reduce((total, hart) => total + hart.tlbMisses, 0)
  const rows: readonly (readonly [string, string])[] = [
    [
      'instructions',
      `${count(retired)} in ${seconds.toFixed(2)} s (${count(Math.round(Number(retired) / seconds / 1e6))} million/s)`,
    ],
    [
      'translated',
      `${count(engine('regions'))} regions of ${count(engine('regionInstructions'))} instructions, ${formatSize(engine('regionBytes'))} of WebAssembly`,
    ],
    ['reused', `${count(engine('reused'))} regions of earlier runs`],
    ['made patient', `${count(engine('patient'))} regions whose accesses often miss the TLB or cross pages`],
    ['code pages dropped', count(engine('droppedPages'))],
    ['exceptions', count(sum(p => p.exceptions))],
    ['interrupts', count(sum(p => p.interrupts))],
    ['TLB misses', `${count(tlbMisses)}, of which ${count(sum(p => p.tlbMisses))} were served by the host`],
    ['device accesses', count(sum(p => p.deviceAccesses))],
    ['memory touched', formatSize(cpu.engine.frames.touchedBytes)],
  ]
  return rows.map(([name, value]) => `${`${name}:`.padEnd(20)}${value}\n`).join('')
}
