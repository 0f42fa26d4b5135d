import { TimerQueue, VirtualClock } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Aclint } from './aclint.ts'
import { Bus, type MmioDevice } from './bus.ts'
import { GoldfishRtc } from './goldfish-rtc.ts'
import { unwiredLine } from './irq.ts'
import { Plic } from './plic.ts'
import { Syscon } from './syscon.ts'
import { Uart16550 } from './uart16550.ts'

const devices: Record<string, (timers: TimerQueue) => MmioDevice> = {
  plic: () => new Plic({ sources: 96, contexts: [unwiredLine, unwiredLine, unwiredLine] }),
  aclint: timers =>
    new Aclint({
      counter: () => BigInt(Math.floor(timers.clock.monotonicNs() / 100)),
      ticksPerSecond: 1e7,
      timers,
      software: [unwiredLine, unwiredLine],
      timer: [unwiredLine, unwiredLine],
    }),
  uart: () =>
    new Uart16550({
      port: { write: () => undefined, onInput: receive => receive(new Uint8Array(40)) },
      line: unwiredLine,
    }),
  rtc: timers => new GoldfishRtc({ timers, line: unwiredLine }),
  syscon: () => new Syscon(() => undefined),
}

const access = fc.record({
  offset: fc.oneof(
    fc.nat({ max: 0x40 }),
    fc.nat({ max: 0x20_3000 }),
    fc.constantFrom(0x4000, 0x4004, 0x4008, 0xbff8, 0xbffc),
  ),
  width: fc.constantFrom(1, 2, 4, 8),
  write: fc.boolean(),
  value: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  passNs: fc.oneof(fc.constant(0), fc.nat()),
} as const)

test.each(Object.keys(devices))('%s: no sequence of accesses throws, hangs or reads out of range', name => {
  fc.assert(
    fc.property(fc.array(access, { maxLength: 100 }), accesses => {
      const clock = new VirtualClock(1n)
      const timers = new TimerQueue(clock)
      const bus = new Bus()
      bus.map(0, (devices[name] as (typeof devices)[string])(timers))
      for (const { offset, width, write, value, passNs } of accesses) {
        const gpa = offset - (offset % width)
        if (write) bus.write(gpa, width as 1, value)
        const seen = bus.read(gpa, width as 1)
        if (seen !== undefined) expect(seen >= 0n && seen < 1n << BigInt(width * 8)).toBe(true)
        clock.advanceNs(passNs)
        timers.runDue()
      }
    }),
    { numRuns: 100 },
  )
})
