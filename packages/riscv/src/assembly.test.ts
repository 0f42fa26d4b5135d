import { DoppelError, seededEntropy } from '@doppel/base'
import { assemble, disassemble, type Encoding, encode } from '@doppel/engine'
import { expect, test } from 'vitest'
import { riscvAssembly } from './assembly.ts'
import { rv64gc } from './insn/rv64gc.ts'

const PC = 0x8000_1000n
const SAMPLES = 40
const random = seededEntropy(11n)
const below = (limit: number): number => {
  const bytes = new Uint8Array(8)
  random.fill(bytes)
  return Number(new DataView(bytes.buffer).getBigUint64(0, true) % BigInt(limit))
}

/** A word with the encoding's fixed bits and random operands, none of them excluded. */
function randomWord(encoding: Encoding): number {
  const values = encoding.fields.map((field): [string, number] => {
    let value: number
    do value = below(2 ** field.bits)
    while (field.forbidden.includes(value))
    return [field.name, value + field.bias]
  })
  return encode(encoding, Object.fromEntries(values))
}
const bytesOf = (text: string): number[] => [...assemble(riscvAssembly, text, { origin: PC }).bytes]
const wordOf = (text: string): number => new DataView(new Uint8Array(bytesOf(text)).buffer).getUint32(0, true)
const code = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error instanceof DoppelError ? error.code : error
  }
  return undefined
}

test.each([...rv64gc.rows, ...rv64gc.compressed].map(row => [row.name, row.encoding] as const))(
  '%s: its text assembles to the same bits',
  (name, encoding) => {
    for (let i = 0; i < SAMPLES; i++) {
      const word = randomWord(encoding)
      if (rv64gc.matching(word)[0] !== name) continue
      const text = disassemble(riscvAssembly, word, PC)
      const bytes = bytesOf(text)
      const read = new DataView(new Uint8Array([...bytes, 0, 0]).buffer)
      expect(bytes.length === 2 ? read.getUint16(0, true) : read.getUint32(0, true), text).toBe(word)
    }
  },
)

test.each([
  [0x00000013, 'addi zero, zero, 0'],
  [0xff010113, 'addi sp, sp, -16'],
  [0x00813823, 'sd s0, 16(sp)'],
  [0x0105a283, 'lw t0, 16(a1)'],
  [0x12345537, 'lui a0, 0x12345'],
  [0xfe0516e3, 'bne a0, zero, 0x80000fec'],
  [0x0e55a52f, 'amoswap.w.aqrl a0, t0, (a1)'],
  [0x1005a52f, 'lr.w a0, (a1)'],
  [0x02b57553, 'fadd.d fa0, fa0, fa1'],
  [0x02b51553, 'fadd.d fa0, fa0, fa1, rtz'],
  [0x0330000f, 'fence rw, rw'],
  [0x30529073, 'csrrw zero, mtvec, t0'],
  [0x7c029073, 'csrrw zero, 0x7c0, t0'],
  [0x1141, 'c.addi sp, -16'],
  [0x8082, 'c.jr ra'],
  [0xe022, 'c.sdsp s0, 0(sp)'],
  [0x7179, 'c.addi16sp sp, -48'],
  [0xffffffff, '.word 0xffffffff'],
  [0x0000, '.half 0x0'],
])('%i reads %s', (word, text) => {
  expect(disassemble(riscvAssembly, word, PC)).toBe(text)
})

test('a program of labels, pseudo-instructions and data', () => {
  const { bytes, symbols } = assemble(
    riscvAssembly,
    `start:  la a0, data        # the address of what follows
             beqz a0, start
             j end
             .align 4
     data:   .dword 0x1122334455667788, start
             .byte 1, 2
             .org 0x80001030
     end:    c.ebreak`,
    { origin: PC },
  )
  expect([...symbols]).toEqual([
    ['start', PC],
    ['data', PC + 0x10n],
    ['end', PC + 0x30n],
  ])
  const view = new DataView(bytes.buffer)
  const lines = [0, 4, 8, 12].map(at => disassemble(riscvAssembly, view.getUint32(at, true), PC + BigInt(at)))
  expect(lines).toEqual(['auipc a0, 0x0', 'addi a0, a0, 16', 'beq a0, zero, 0x80001000', 'jal zero, 0x80001030'])
  expect([view.getBigUint64(16, true), view.getBigUint64(24, true)]).toEqual([0x1122334455667788n, PC])
  expect([...bytes.subarray(32, 34), ...bytes.subarray(48)]).toEqual([1, 2, 0x02, 0x90])
})

test.each([
  ['addi a0, a0, 2048', 'asm.range'],
  ['c.addi4spn a0, sp, 0', 'asm.range'],
  ['beq a0, a1, 3', 'asm.range'],
  ['lui a0, 0x100000', 'asm.range'],
  ['add a0, a1', 'asm.operands'],
  ['add a0, a1, fa0', 'asm.register'],
  ['c.addi16sp a0, 16', 'asm.operand'],
  ['frobnicate a0', 'asm.mnemonic'],
  ['add.aq a0, a0, a0', 'asm.mnemonic'],
  ['lw a0, a1', 'asm.operand'],
  ['fence rx, w', 'asm.operand'],
  ['.frob 1', 'asm.directive'],
  ['.org 0', 'asm.size'],
  ['.zero 0x10000000', 'asm.size'],
  ['j nowhere', 'asm.expression'],
  ['a: a: nop', 'asm.label'],
  ['mv a0', 'asm.operands'],
  ['li a0, nowhere', 'asm.operands'],
])('%s is refused', (text, reason) => {
  expect(code(() => bytesOf(text))).toBe(reason)
})

test('what is no instruction at all is refused with a code', () => {
  for (let i = 0; i < 300; i++) {
    const letters = Array.from({ length: below(20) }, () => 'add ,(%hilo).x:#-0~19\n'[below(22)]).join('')
    expect(code(() => bytesOf(letters)) ?? 'asm.').toMatch(/^asm\./)
  }
})

test('li needs few instructions, and makes the constant', () => {
  expect(bytesOf('li a0, -1')).toHaveLength(4)
  expect(bytesOf('li a0, 0x7ffff000')).toHaveLength(4)
  expect(bytesOf('li a0, 0x80000000')).toHaveLength(8)
  expect(wordOf('li a0, 0')).toBe(0x00000513)
})
