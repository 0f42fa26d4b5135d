import { DoppelError } from '@doppel/base'
import type { PseudoInstruction } from '@doppel/engine'

/** Pseudo-instructions that rename one instruction with some operands fixed (Unpriv. ch. "RISC-V Assembly Programmer's Handbook"). */
const RENAMED: Readonly<Record<string, string>> = {
  nop: 'addi zero, zero, 0',
  ret: 'jalr zero, 0(ra)',
  mv: 'addi $0, $1, 0',
  not: 'xori $0, $1, -1',
  neg: 'sub $0, zero, $1',
  'sext.w': 'addiw $0, $1, 0',
  seqz: 'sltiu $0, $1, 1',
  snez: 'sltu $0, zero, $1',
  j: 'jal zero, $0',
  call: 'jal ra, $0',
  jr: 'jalr zero, 0($0)',
  beqz: 'beq $0, zero, $1',
  bnez: 'bne $0, zero, $1',
  blez: 'bge zero, $0, $1',
  bgez: 'bge $0, zero, $1',
  bltz: 'blt $0, zero, $1',
  bgtz: 'blt zero, $0, $1',
  bgt: 'blt $1, $0, $2',
  ble: 'bge $1, $0, $2',
  csrr: 'csrrs $0, $1, zero',
  csrw: 'csrrw zero, $0, $1',
  csrs: 'csrrs zero, $0, $1',
  csrc: 'csrrc zero, $0, $1',
  csrwi: 'csrrwi zero, $0, $1',
  csrsi: 'csrrsi zero, $0, $1',
  csrci: 'csrrci zero, $0, $1',
  'fmv.s': 'fsgnj.s $0, $1, $1',
  'fmv.d': 'fsgnj.d $0, $1, $1',
  // `.` is the address of the line it stands in, so the second is 4 bytes on.
  la: 'auipc $0, %hi($1-.)\naddi $0, $0, %lo($1-.+4)',
}

const renamed =
  (name: string, template: string): PseudoInstruction =>
  operands => {
    const wanted = new Set(template.match(/\$\d/g) ?? []).size
    if (operands.length !== wanted) {
      throw new DoppelError('asm.operands', `${name} takes ${wanted} operands, not ${operands.length}`, { name })
    }
    return template.replace(/\$(\d)/g, (_, i: string) => operands[Number(i)] as string).split('\n')
  }

/** Loads a 64-bit constant with the fewest of lui, addi(w) and slli: the low twelve bits last, the rest before them. */
function loadConstant(register: string, value: bigint): string[] {
  const low = BigInt.asIntN(12, value)
  if (value === low) return [`addi ${register}, zero, ${low}`]
  if (value === BigInt.asIntN(32, value)) {
    const upper = `lui ${register}, ${BigInt.asUintN(20, (value - low) >> 12n)}`
    return low === 0n ? [upper] : [upper, `addiw ${register}, ${register}, ${low}`]
  }
  let rest = (value - low) >> 12n
  let shift = 12
  while ((rest & 1n) === 0n) {
    rest >>= 1n
    shift++
  }
  const top = loadConstant(register, BigInt.asIntN(64 - shift, rest))
  const shifted = [...top, `slli ${register}, ${register}, ${shift}`]
  return low === 0n ? shifted : [...shifted, `addi ${register}, ${register}, ${low}`]
}

const li: PseudoInstruction = ([register, text]) => {
  if (register === undefined || text === undefined || !/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) {
    throw new DoppelError('asm.operands', `li takes a register and a number, not '${text}'`, { register, text })
  }
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
  return loadConstant(register, BigInt.asIntN(64, value))
}

/** The pseudo-instructions of `riscvAssembly`. */
export const PSEUDO: Readonly<Record<string, PseudoInstruction>> = {
  ...Object.fromEntries(Object.entries(RENAMED).map(([name, template]) => [name, renamed(name, template)])),
  li,
}
