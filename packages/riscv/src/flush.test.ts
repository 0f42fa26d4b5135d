import { describe, expect, test } from 'vitest'
import { machineWith, RAM, TIERS } from '../test/machines.ts'

const S0 = 8
const S1 = 9
const ROOT = RAM + 0x80000
const MIDDLE = RAM + 0x81000
const LAST = RAM + 0x82000
/** Read, write, execute, accessed, dirty, valid; and what only points on. */
const LEAF = 0xcfn
const TABLE = 1n
const pte = (gpa: number, flags: bigint): bigint => (BigInt(gpa / 4096) << 10n) | flags

/** An S-mode machine under Sv39: RAM mapped as it is by a page of 1 GiB, addresses from 0 on by the middle table. */
function pagedMachine(program: string, translateAfter: number) {
  const machine = machineWith(program, translateAfter)
  const { cpu, hart } = machine
  const write = (gpa: number, value: bigint): void => {
    cpu.memory.write(gpa, new Uint8Array(new BigUint64Array([value]).buffer))
  }
  write(ROOT + 2 * 8, pte(RAM, LEAF))
  write(ROOT, pte(MIDDLE, TABLE))
  write(MIDDLE, pte(RAM, LEAF))
  write(LAST + 5 * 8, pte(RAM + 0x90000, LEAF))
  write(RAM + 0x5000, 5n)
  write(RAM + 0x90000, 9n)
  hart.pmp.writeAddress(0, (1n << 54n) - 1n)
  hart.pmp.writeConfig(0, 0x1fn)
  hart.start({ pc: BigInt(RAM), privilege: 1, a0: 0x5000n, a1: BigInt(MIDDLE) })
  hart.writeCsr('satp', (8n << 60n) | BigInt(ROOT / 4096))
  return machine
}

describe.each(TIERS)('%s', (_tier, translateAfter) => {
  test('flushing one address of a large page flushes all of it', () => {
    const { hart } = pagedMachine(
      'ld s0, 0(a0)\n sd a2, 0(a1)\n sfence.vma a3, zero\n ld s1, 0(a0)\n loop: j loop',
      translateAfter,
    )
    hart.setX(12, pte(LAST, TABLE))
    hart.setX(13, 0x3000n)
    hart.run(20)
    expect([hart.x(S0), hart.x(S1)]).toEqual([5n, 9n])
  })

  test('a fence of one address is all that a new mapping of a page needs, also in a loop', () => {
    const { hart, cpu } = pagedMachine(
      `
      loop: sd a2, 40(a1)
      sfence.vma a0, zero
      ld s0, 0(a0)
      ld s3, 8(a0)
      sd a3, 40(a1)
      sfence.vma a0, zero
      ld s1, 0(a0)
      add s2, s2, s1
      addi a4, a4, -1
      bnez a4, loop
      done: j done
      `,
      translateAfter,
    )
    cpu.memory.write(MIDDLE, new Uint8Array(new BigUint64Array([pte(LAST, TABLE)]).buffer))
    hart.setX(11, BigInt(LAST))
    hart.setX(12, pte(RAM + 0x5000, LEAF))
    hart.setX(13, pte(RAM + 0x90000, LEAF))
    hart.setX(14, 50n)
    hart.run(2000)
    expect([hart.x(S0), hart.x(S1), hart.x(18)]).toEqual([5n, 9n, 9n * 50n])
  })

  test('page 0 faults at each of its bytes until it is mapped, and again once it is not', () => {
    const { hart, cpu, symbols } = pagedMachine(
      `
      j round
      handler: csrr t0, sepc
      addi t0, t0, 4
      csrr t1, scause
      bne t1, a6, back
      mv t0, ra
      back: csrw sepc, t0
      addi s2, s2, 1
      sret
      round: li a4, 20
      loop: lbu s0, 0(zero)
      ld s0, 8(zero)
      lbu s0, 2047(zero)
      ld s0, 1(a3)
      sb zero, 0(a3)
      jalr ra, 4(zero)
      sfence.vma zero, zero
      addi a4, a4, -1
      bnez a4, loop
      beqz a5, over
      sd a2, 0(a1)
      ld s1, 0(zero)
      sd zero, 0(a1)
      sfence.vma zero, zero
      li a5, 0
      j round
      over: j over
      `,
      translateAfter,
    )
    cpu.memory.write(MIDDLE, new Uint8Array(8))
    hart.writeCsr('medeleg', (1n << 12n) | (1n << 13n) | (1n << 15n))
    hart.writeCsr('stvec', symbols.get('handler') ?? 0n)
    hart.setX(12, pte(RAM, LEAF))
    hart.setX(13, 0xff0n)
    hart.setX(15, 1n)
    hart.setX(16, 12n)
    hart.run(5000)
    expect([hart.x(18), hart.x(S0)]).toEqual([240n, 0n])
    expect(hart.x(S1)).not.toBe(0n)
  })

  test('SUM opens and closes user pages for the very next instruction', () => {
    const { hart, cpu, symbols } = pagedMachine(
      `
      li a4, 20
      loop: csrrs zero, sstatus, a3
      ld s0, 0(a0)
      csrrc zero, sstatus, a3
      addi a4, a4, -1
      bnez a4, loop
      ld s1, 0(a0)
      .org 0x80000100
      handler: j handler
      `,
      translateAfter,
    )
    cpu.memory.write(MIDDLE, new Uint8Array(new BigUint64Array([pte(LAST, TABLE)]).buffer))
    cpu.memory.write(LAST + 40, new Uint8Array(new BigUint64Array([pte(RAM + 0x5000, LEAF | 16n)]).buffer))
    hart.writeCsr('medeleg', 0xb1ffn)
    hart.writeCsr('stvec', symbols.get('handler') ?? 0n)
    hart.setX(13, 1n << 18n)
    hart.run(1000)
    expect([hart.x(S0), hart.x(S1), hart.readCsr('scause'), hart.x(14)]).toEqual([5n, 0n, 13n, 0n])
  })

  test('an instruction across two pages follows either page', () => {
    // The jump at the end of the first page is 4 bytes long; its second half comes to be another page's.
    const { hart, cpu } = pagedMachine('loop: j loop', translateAfter)
    const half = (gpa: number, value: number): void => {
      cpu.memory.write(gpa, new Uint8Array(new Uint16Array([value]).buffer))
    }
    const words = (gpa: number, values: number[]): void => {
      cpu.memory.write(gpa, new Uint8Array(new Uint32Array(values).buffer))
    }
    cpu.memory.write(MIDDLE, new Uint8Array(new BigUint64Array([pte(LAST, TABLE)]).buffer))
    const map = (page: number, gpa: number): void => {
      cpu.memory.write(LAST + 8 * page, new Uint8Array(new BigUint64Array([pte(gpa, LEAF)]).buffer))
    }
    map(1, RAM + 0x10000)
    map(2, RAM + 0x11000)
    // addi s0, s0, 1 or 2 or 3, by its upper half; then jalr back to 0x1ffe.
    half(RAM + 0x10ffe, 0x0413)
    for (const [gpa, upper] of [
      [RAM + 0x11000, 0x0014],
      [RAM + 0x12000, 0x0024],
    ] as const) {
      half(gpa, upper)
      words(gpa + 2, [0x00050067])
    }
    hart.pc = 0x1ffen
    hart.setX(10, 0x1ffen)
    hart.run(20)
    expect(hart.x(S0)).toBe(10n)
    // The next page changes place,
    map(2, RAM + 0x12000)
    hart.flushTlb({ start: 0x2000n, lengthBytes: 4096n })
    hart.run(20)
    expect(hart.x(S0)).toBe(10n + 20n)
    // then content,
    half(RAM + 0x12000, 0x0034)
    hart.run(20)
    expect(hart.x(S0)).toBe(10n + 20n + 30n)
    // then the first page does: sub, not add.
    half(RAM + 0x10ffe, 0x8413)
    hart.run(2)
    expect(hart.x(S0)).not.toBe(60n + 3n)
  })
})
