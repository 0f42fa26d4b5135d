import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DoppelError } from '@doppel/base'
import type { Machine } from 'doppel'
import { timedRun } from './child.ts'
import { CROSS_COMPILER } from './tools.ts'

/** A periodic task of the executive since its last report. */
export interface TaskReport {
  readonly periodUs: number
  readonly released: number
  /** Releases that came so late that the next was due, or found the last not yet begun. */
  readonly missed: number
  /** The most that a release came late. */
  readonly worstUs: number
  /** How many releases were less than 2 ** n µs late, and no less than half of that. */
  readonly late: readonly number[]
}

const SOURCES = join(import.meta.dirname, 'guests', 'executive')
const FLAGS =
  '-march=rv64imac -misa-spec=2.2 -mabi=lp64 -mcmodel=medany -nostdlib -ffreestanding -O2 -Wall -Wextra -Werror'
const TASKS = 3
const REPORT_MS = 10_000
const LINE = /^task (\d+) us: released (\d+) missed (\d+) worst (\d+) us late ([\d,]+)\r$/

/** Compiles the real-time executive of `guests/executive` into a folder; the path of the ELF file. Throws `bench.run`. */
export async function compileExecutive(folder: string): Promise<string> {
  const program = join(folder, 'executive.elf')
  const files = ['start.S', 'executive.c'].map(file => join(SOURCES, file))
  await timedRun({
    program: CROSS_COMPILER,
    args: [...FLAGS.split(' '), '-T', join(SOURCES, 'link.ld'), '-o', program, ...files],
  })
  return program
}

/** Asks the executive in a machine how its tasks have fared since the last time; the shortest period first. Throws `bench.output`. */
export async function askExecutive(machine: Machine): Promise<TaskReport[]> {
  const begin = machine.console.output.length
  machine.console.type(new TextEncoder().encode('r'))
  for (let waitedMs = 0; waitedMs < REPORT_MS; waitedMs += 20) {
    await sleep(20)
    const text = new TextDecoder().decode(machine.console.output.subarray(begin))
    if (!/^preempted \d+\r$/m.test(text)) continue
    const found = text.split('\n').flatMap(line => {
      const [, period, released, missed, worst, late] = LINE.exec(line) ?? []
      if (late === undefined) return []
      const counts = late.split(',').map(Number)
      return [
        {
          periodUs: Number(period),
          released: Number(released),
          missed: Number(missed),
          worstUs: Number(worst),
          late: counts,
        },
      ]
    })
    if (found.length === TASKS) return found
  }
  throw new DoppelError('bench.output', `the executive has not reported after ${REPORT_MS} ms`)
}

/** The µs that all but one release in a hundred were less late than: a power of two. */
export function lateness99Us({ late }: TaskReport): number {
  const total = late.reduce((sum, count) => sum + count, 0)
  let seen = 0
  for (const [n, count] of late.entries()) {
    seen += count
    if (seen >= total * 0.99) return 2 ** n
  }
  return Infinity
}
