import type { LitmusTest } from './tests.ts'

/** Where test machines have their RAM, and how much. */
export const RAM = 0x8000_0000
export const RAM_BYTES = 8 << 20
/** A store here says that a hart has done all rounds. */
export const DONE = 0x1000

const CELLS = RAM + 0x10_0000
/** Cells lie in cache lines of their own. */
const LINE = 64
const HART_RESULTS = RAM + 0x40_0000
const RESULTS_BYTES = 0x8_0000
const HART_CODE_BYTES = 4096
/** More rounds do not fit the memory. */
const MAX_ROUNDS = 24_000

/** Guest-physical addresses of what a round leaves. */
export const placeOf = {
  x: (round: number): number => CELLS + round * 2 * LINE,
  y: (round: number): number => CELLS + round * 2 * LINE + LINE,
  registers: (hart: number, round: number): number => HART_RESULTS + hart * RESULTS_BYTES + round * 16,
}

/**
 * All harts' code, each hart's at `entryOf`: in every round they meet, wait for a while that differs from round to round, and do
 * what the test says, on fresh cells.
 */
export function litmusProgram(test: LitmusTest, rounds: number): string {
  if (rounds > MAX_ROUNDS) throw new RangeError(`${rounds} rounds; at most ${MAX_ROUNDS}`)
  const count = test.harts.length
  const text = test.harts.map((body, hart) => {
    const name = (label: string): string => `${label}_${hart}`
    return `
      .org ${entryOf(hart)}
      li a0, ${placeOf.x(0)}
      li a1, ${placeOf.y(0)}
      li s2, ${placeOf.registers(hart, 0)}
      la s3, meeting
      li s4, ${rounds}
      li s5, 0
      li s6, ${hart * 77 + 1}
      ${name('round')}:
      li t0, 1
      li t1, 2
      li a2, 0
      li a3, 0
      addi s5, s5, ${count}
      amoadd.w.aqrl zero, t0, (s3)
      ${name('meet')}:
      lw t2, 0(s3)
      blt t2, s5, ${name('meet')}
      fence rw, rw
      li t2, 1103515245
      mulw s6, s6, t2
      addiw s6, s6, 1013
      srliw t2, s6, 20
      andi t2, t2, 15
      ${name('wait')}:
      addi t2, t2, -1
      bgez t2, ${name('wait')}
      ${body}
      sd a2, 0(s2)
      sd a3, 8(s2)
      addi s2, s2, 16
      addi a0, a0, ${2 * LINE}
      addi a1, a1, ${2 * LINE}
      addi s4, s4, -1
      bnez s4, ${name('round')}
      fence rw, rw
      li t0, ${DONE}
      sw zero, 0(t0)
      ${name('end')}: wfi
      j ${name('end')}`
  })
  return `${text.join('\n')}\n.org ${entryOf(count)}\nmeeting: .dword 0`
}

/** Where a hart begins. */
export function entryOf(hart: number): number {
  return RAM + hart * HART_CODE_BYTES
}
