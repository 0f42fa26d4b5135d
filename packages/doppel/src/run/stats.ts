import { formatSize } from '@doppel/base'
import type { RunningMachine } from './machine.ts'

const count = (value: number | bigint): string => value.toLocaleString('en-US')

/** What a machine did, for `--stats`: one line a figure. */
export function statsReport({ cpu, elapsedNs }: RunningMachine): string {
  const retired = cpu.harts.reduce((sum, hart) => sum + hart.retired, 0n)
  const seconds = elapsedNs() / 1e9
  const sum = (of: (hart: (typeof cpu.harts)[number]) => number): number =>
    cpu.harts.reduce((total, h) => total + of(h), 0)
  const { regions, regionInstructions, regionBytes, droppedPages, reused, patient } = cpu.engine.stats
  const rows: readonly (readonly [string, string])[] = [
    [
      'instructions',
      `${count(retired)} in ${seconds.toFixed(2)} s (${count(Math.round(Number(retired) / seconds / 1e6))} million/s)`,
    ],
    [
      'translated',
      `${count(regions)} regions of ${count(regionInstructions)} instructions, ${formatSize(regionBytes)} of WebAssembly`,
    ],
    ['reused', `${count(reused)} regions of earlier runs`],
    ['made patient', `${count(patient)} regions whose accesses often miss the TLB or cross pages`],
    ['code pages dropped', count(droppedPages)],
    ['exceptions', count(sum(h => h.stats.exceptions))],
    ['interrupts', count(sum(h => h.stats.interrupts))],
    ['TLB misses', `${count(sum(h => h.tlbMisses))}, of which ${count(cpu.stats.tlbMisses)} were served by the host`],
    ['device accesses', count(cpu.stats.deviceAccesses)],
    ['memory touched', formatSize(cpu.engine.frames.touchedBytes)],
  ]
  return rows.map(([name, value]) => `${`${name}:`.padEnd(20)}${value}\n`).join('')
}
