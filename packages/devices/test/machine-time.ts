import { TimerQueue, VirtualClock } from '@doppel/base'
import type { PacedWork } from '../src/virtio/device.ts'

/** A deterministic machine's clock, and what it has the host do: nothing moves but by `pass`. */
export function machineTime(seed: number): {
  readonly paced: PacedWork
  pass(): Promise<number>
  isIdle(): boolean
} {
  const clock = new VirtualClock()
  const timers = new TimerQueue(clock)
  const work: (() => Promise<void>)[] = []
  return {
    paced: { seed, timers, hold: (each: () => Promise<void>) => void work.push(each) },
    /** To the next thing that is due; the time then, ns. */
    async pass(): Promise<number> {
      clock.advanceNs(timers.nextDeadlineNs() - clock.monotonicNs())
      timers.runDue()
      for (const each of work.splice(0)) await each()
      return clock.monotonicNs()
    },
    isIdle: () => timers.nextDeadlineNs() === Infinity,
  }
}
