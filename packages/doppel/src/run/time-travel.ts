import { DoppelError, type PositionedTarget } from '@doppel/base'
import type { Moment, VirtMachine } from '@doppel/board'
import { type DiskMoment, type OverlayDisk, type Timeline, TimeTravel, type Travel } from '@doppel/monitor'
import type { RunOptions } from '../cli/run-options.ts'

/** All of a machine that can be returned to, memory aside. */
export interface RunMoment {
  readonly board: Moment
  readonly disks: readonly DiskMoment[]
}

/** The way back in the run of a deterministic machine that has not begun; `timeline` is its tape, `disks` all that it can write. */
export function timeTravel(
  timeline: Timeline<RunMoment>,
  vm: VirtMachine,
  target: PositionedTarget,
  life: { pause(): Promise<void>; resume(): void },
  disks: readonly OverlayDisk[] = [],
): Travel {
  timeline.attach({
    memory: vm.cpu.memory,
    touchedPages: () => vm.cpu.touchedPages(),
    dirtyPages: () => vm.dirtyPages(),
    runPages: () => vm.cpu.takeFetched?.() ?? [],
    moment: () => {
      const board = vm.moment()
      return board && { board, disks: disks.map(disk => disk.moment()) }
    },
    returnTo: moment => {
      vm.returnTo(moment.board)
      for (const [i, disk] of disks.entries()) disk.returnTo(moment.disks[i] as DiskMoment)
    },
    steps: () => Array.from({ length: target.threads }, (_, thread) => target.position(thread).steps),
  })
  return new TimeTravel(timeline, target, life)
}

/** What is written to a file cannot be taken back. Throws `travel.disk` where a machine that is to be gone back in does so. */
export function refuseWrittenFiles({ disks }: Pick<RunOptions, 'disks'>): void {
  const written = disks.find(({ mode }) => mode === 'read-write')
  if (!written) return
  throw new DoppelError(
    'travel.disk',
    `--gdb goes back in a deterministic run, and cannot take back what was written to ${written.path}; expected ` +
      `--disk FILE:overlay or FILE:ro`,
    { path: written.path },
  )
}
