import { expect, test } from 'vitest'
import { machineWith, RAM, TIERS } from '../test/machines.ts'

const S0 = 8
const PAGE = 4096
const DATA = RAM + 0x10000

test.each(TIERS)(
  '%s: a page that was given back reads as zeros, also where it was cached, and holds anew',
  (_, after) => {
    const { cpu, hart } = machineWith('loop: ld s0, 0(a0)\n addi s1, s1, 1\n j loop', after)
    hart.setX(10, BigInt(DATA))
    cpu.memory.write(DATA, Uint8Array.of(7))
    hart.run(300)
    expect(hart.x(S0)).toBe(7n)
    const touched = cpu.engine.frames.touchedBytes

    cpu.engine.releasePages(cpu.engine.frames.page(DATA), 1)
    expect(cpu.engine.frames.touchedBytes).toBe(touched - PAGE)
    hart.run(300)
    expect(hart.x(S0)).toBe(0n)
    // The frame is used again, and no more memory for it.
    expect(cpu.engine.frames.touchedBytes).toBe(touched)
    cpu.memory.write(DATA, Uint8Array.of(9))
    hart.run(300)
    expect(hart.x(S0)).toBe(9n)
  },
)

test.each(TIERS)('%s: code in a page that was given back is gone', (_, after) => {
  const { cpu, hart } = machineWith('loop: addi s0, s0, 1\n j loop', after)
  cpu.memory.write(DATA, Uint8Array.of(0x6f, 0, 0, 0))
  hart.writeCsr('mtvec', BigInt(DATA))
  hart.run(300)
  cpu.engine.releasePages(0, 1)
  hart.run(300)
  // Zeros are no instruction (Unpriv. §1.5).
  expect(hart.readCsr('mcause')).toBe(2n)
})

test('what a source would fill is zeros once it was given back, for those who save it too', () => {
  const { cpu } = machineWith('loop: j loop', 0)
  const { frames } = cpu.engine
  frames.source = (page, into) => void into.fill(page)
  const [touched, never] = [20, 21]
  frames.frame(touched)
  cpu.engine.releasePages(touched, 2)
  const seen = new Map([...frames.touched()].map(([page, bytes]) => [page, bytes[0]]))
  expect([seen.get(touched), seen.get(never), seen.has(22)]).toEqual([0, 0, false])
  const bytes = new Uint8Array(1)
  for (const [page, first] of [
    [touched, 0],
    [never, 0],
    [22, 22],
  ] as const) {
    cpu.memory.read(RAM + page * PAGE, bytes)
    expect(bytes[0]).toBe(first)
  }
})
