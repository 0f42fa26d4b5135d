import { describe, expect, test } from 'vitest'
import { machineWith, RAM, TIERS } from '../test/machines.ts'

const A0 = 10
const A1 = 11

describe.each(TIERS)('%s', (_tier, translateAfter) => {
  test('a program that writes over its own code runs what it wrote, after fence.i', () => {
    // The loop body is `addi a0, a0, 1` five times, then `addi a0, a0, 16` five times.
    const { hart } = machineWith(
      `
      auipc a3, 0
      lw a4, 60(a3)
      li a2, 10
      loop:
      patch: addi a0, a0, 1
      addi a2, a2, -1
      li a5, 5
      bne a2, a5, skip
      sw a4, 12(a3)
      fence.i
      skip: bnez a2, loop
      done: j done
      .org 0x8000003c
      addi a0, a0, 16
      `,
      translateAfter,
    )
    hart.run(500)
    expect(hart.x(A0)).toBe(5n + 5n * 16n)
  })

  test('code that a device writes is run as written', () => {
    const { cpu, hart } = machineWith('loop: addi a0, a0, 1\n j loop', translateAfter)
    hart.run(1000)
    expect(hart.x(A0)).toBe(500n)
    // addi a0, a0, 2
    cpu.memory.write(RAM, new Uint8Array(new Uint32Array([0x00250513]).buffer))
    hart.run(1000)
    expect(hart.x(A0)).toBe(1500n)
  })

  test('every budget ends at its own instruction', () => {
    const program = `
      loop: addi a0, a0, 1
      andi a1, a0, 3
      bnez a1, odd
      addi a2, a2, 1
      odd: mul a3, a0, a2
      j loop
      `
    const { hart } = machineWith(program, translateAfter)
    const stepped = machineWith(program, 0).hart
    let retired = 0n
    for (let budget = 1; budget <= 60; budget++) {
      hart.run(budget)
      for (let i = 0; i < budget; i++) stepped.run(1)
      retired += BigInt(budget)
      expect([hart.retired, hart.pc, hart.x(13)]).toEqual([retired, stepped.pc, stepped.x(13)])
    }
  })

  test('an exception in the middle of a loop finds every register as it was', () => {
    const { hart, symbols } = machineWith(
      `
      la t0, handler
      csrrw zero, mtvec, t0
      li a0, 0x80010000
      li a2, 3
      loop: addi a1, a1, 7
      mv a3, a1
      lw a4, 0(a0)
      addi a3, a3, 1
      addi a2, a2, -1
      bnez a2, loop
      li a0, 8
      j loop
      handler: j handler
      `.replace('la t0, handler', 'auipc t0, 0\n addi t0, t0, 60'),
      translateAfter,
    )
    hart.run(400)
    expect(hart.readCsr('mcause')).toBe(5n)
    expect(hart.readCsr('mtval')).toBe(8n)
    // The fourth round: a1 and a3 done, the load and what follows it not.
    expect(hart.x(A1)).toBe(28n)
    expect(hart.x(13)).toBe(28n)
    expect(hart.readCsr('mepc')).toBe((symbols.get('loop') ?? 0n) + 8n)
  })

  test('an instruction that crosses a page runs, and faults on its second half', () => {
    const { hart } = machineWith(
      `
      j start
      .org 0x80000ff8
      start: addi a0, a0, 1
      .half 0x0505
      addi a0, a0, 16
      j start
      `,
      translateAfter,
    )
    hart.run(1 + 4 * 50)
    expect(hart.x(A0)).toBe(50n * 18n)
  })

  test('a jump into nothing is an access fault at the target', () => {
    const { hart } = machineWith('csrrw zero, mtvec, zero\n jalr ra, 0(zero)', translateAfter)
    hart.run(10)
    expect([hart.readCsr('mcause'), hart.readCsr('mepc'), hart.readCsr('mtval')]).toEqual([1n, 0n, 0n])
  })

  test('stores to devices happen once each and in order', () => {
    const { hart, writes } = machineWith(
      'li t0, 0x10000\n li a2, 5\n loop: sw a2, 0(t0)\n addi a2, a2, -1\n bnez a2, loop\n done: j done',
      translateAfter,
    )
    hart.run(200)
    expect(writes).toEqual([5n, 4n, 3n, 2n, 1n].map(value => [0x10000, value]))
  })
})

test.each([0, 40, 400])(
  'code runs on past the end of its page, beside a switch of the same page (translated after %i)',
  translateAfter => {
    const { hart } = machineWith(
      `
    li a2, 1000
    auipc t0, 0
    addi t0, t0, 24
    loop: andi t1, a2, 3
    slli t1, t1, 3
    add t1, t1, t0
    jalr zero, 0(t1)
    addi a0, a0, 1
    j next
    addi a0, a0, 2
    j next
    addi a0, a0, 3
    j last
    addi a0, a0, 4
    j next
    next: addi a2, a2, -1
    bnez a2, loop
    done: j done
    .org 0x80000ff8
    last: addi a1, a1, 1
    addi a1, a1, 1
    addi a3, a3, 1
    j next
    `,
      translateAfter,
    )
    for (let slice = 0; slice < 100; slice++) hart.run(150)
    expect([hart.x(A0), hart.x(A1), hart.x(13)]).toEqual([2500n, 500n, 250n])
  },
)

test('a machine that only interprets translates nothing, however often code is arrived at', () => {
  const { cpu, hart } = machineWith('loop: addi a0, a0, 1\n j loop', 0)
  hart.run(200_000)
  expect([hart.x(10), cpu.engine.stats.regions]).toEqual([100_000n, 0])
})
