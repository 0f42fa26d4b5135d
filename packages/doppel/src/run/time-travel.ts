import type { PositionedTarget } from '@doppel/base'
import type { Moment, VirtMachine } from '@doppel/board'
import { type Timeline, TimeTravel, type Travel } from '@doppel/monitor'

/** The way back in the run of a deterministic machine that has not begun; `timeline` is its tape. */
export function timeTravel(
  timeline: Timeline<Moment>,
  vm: VirtMachine,
  target: PositionedTarget,
  life: { pause(): Promise<void>; resume(): void },
): Travel {
  timeline.attach({
    memory: vm.cpu.memory,
    touchedPages: () => vm.cpu.touchedPages(),
    dirtyPages: () => vm.dirtyPages(),
    runPages: () => vm.cpu.takeFetched?.() ?? [],
    moment: () => vm.moment(),
    returnTo: moment => vm.returnTo(moment),
    steps: () => Array.from({ length: target.threads }, (_, thread) => target.position(thread).steps),
  })
  return new TimeTravel(timeline, target, life)
}
