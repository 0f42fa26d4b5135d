import { describe, expect, test } from 'vitest'
import { machineWith, RAM, TIERS } from '../test/machines.ts'

const A0 = 10
const STACK = `li sp, ${RAM + 0x80000}`

describe.each(TIERS)('%s', (_tier, translateAfter) => {
  test('recursion deeper than calls are nested comes back the whole way', () => {
    const { hart } = machineWith(
      `
      ${STACK}
      again: li a1, 1000
      li a0, 0
      jal ra, sum
      mv s1, a0
      addi s0, s0, 1
      j again
      sum: beqz a1, done
      addi sp, sp, -16
      sd ra, 8(sp)
      sd a1, 0(sp)
      addi a1, a1, -1
      jal ra, sum
      ld a1, 0(sp)
      ld ra, 8(sp)
      addi sp, sp, 16
      add a0, a0, a1
      done: ret
      `,
      translateAfter,
    )
    // A round is some 11,000 instructions; this ends in the middle of the sixth.
    hart.run(60_000)
    expect([hart.x(8), hart.x(9)]).toEqual([5n, 500_500n])
  })

  test('a function that returns elsewhere goes where it says, with every register', () => {
    const { hart } = machineWith(
      `
      ${STACK}
      loop: addi a0, a0, 1
      li a3, 7
      jal ra, f
      addi a1, a1, 1
      skipped: addi a2, a2, 1
      add a4, a4, a3
      j loop
      f: addi a3, a3, 1
      addi ra, ra, 4
      ret
      `,
      translateAfter,
    )
    hart.run(2 + 200 * 9)
    expect([hart.x(A0), hart.x(11), hart.x(12), hart.x(14)]).toEqual([200n, 0n, 200n, 1600n])
  })

  test('every budget ends at its own instruction, within calls too', () => {
    const program = `
      ${STACK}
      loop: addi a0, a0, 1
      jal ra, f
      add a2, a2, a1
      jal ra, f
      j loop
      f: addi a1, a1, 3
      mv t1, ra
      jal ra, g
      jr t1
      g: xor a1, a1, a0
      ret
      `
    const { hart } = machineWith(program, translateAfter)
    const stepped = machineWith(program, 0).hart
    for (let budget = 1; budget <= 70; budget++) {
      hart.run(budget)
      for (let i = 0; i < budget; i++) stepped.run(1)
      expect([hart.retired, hart.pc, hart.x(A0), hart.x(11), hart.x(12)]).toEqual([
        stepped.retired,
        stepped.pc,
        stepped.x(A0),
        stepped.x(11),
        stepped.x(12),
      ])
    }
  })

  test('an exception in a function that is called finds the registers of its caller', () => {
    const { hart, symbols } = machineWith(
      `
      ${STACK}
      li a3, ${RAM + 0x8000}
      li a5, 50
      loop: addi a4, a4, 5
      jal ra, f
      addi a5, a5, -1
      bnez a5, loop
      li a3, 16
      j loop
      f: ld a1, 0(a3)
      ret
      handler: j handler
      `,
      translateAfter,
    )
    hart.writeCsr('mtvec', symbols.get('handler') ?? 0n)
    hart.run(600)
    expect([hart.readCsr('mcause'), hart.readCsr('mtval'), hart.readCsr('mepc')]).toEqual([5n, 16n, symbols.get('f')])
    expect([hart.x(14), hart.x(15)]).toEqual([51n * 5n, 0n])
  })
})
