import { describe, expect, test } from 'vitest'
import { machineWith, TIERS } from '../test/machines.ts'

const ZERO = 0
const A0 = 10

/** lr and sc of a cell in another page than the code, with something in between. */
const reserving = (between: string): string => `
  la t0, trap
  csrrw zero, mtvec, t0
  la t1, cell
  lr.d a0, (t1)
  ${between}
  sc.d a0, t1, (t1)
  done: j done
  .align 2
  trap: csrrs t2, mepc, zero
  addi t2, t2, 4
  csrrw zero, mepc, t2
  mret
  .align 12
  cell: .dword 5
  `

describe.each(TIERS)('%s', (_tier, translateAfter) => {
  const resultOf = (program: string): bigint => {
    const { hart, symbols } = machineWith(program, translateAfter)
    hart.run(200)
    expect(hart.pc).toBe(symbols.get('done'))
    expect(hart.x(ZERO)).toBe(0n)
    return hart.x(A0)
  }

  test('a reservation lasts until its sc', () => {
    expect(resultOf(reserving('nop'))).toBe(0n)
  })

  test('a trap ends a reservation', () => {
    expect(resultOf(reserving('ecall'))).toBe(1n)
  })

  // The write drops the page's decoded code, the instruction's own operands among it.
  test.each([
    ['amoadd.d a0, t1, (t1)', 5n],
    ['lr.d a2, (t1)\nsc.d a0, a2, (t1)', 0n],
  ])('%s on a cell beside the code gives its result', (instruction, expected) => {
    const program = `li a0, 77\n la t1, cell\n ${instruction}\n done: j done\n .align 3\n cell: .dword 5`
    expect(resultOf(program)).toBe(expected)
  })
})
