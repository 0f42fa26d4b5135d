import { Op } from '@doppel/wasm'
import { System } from '../causes.ts'
import type { RiscvMachine } from '../machine.ts'
import { type Fields, insn, type Row } from './types.ts'

type Semantics = (m: RiscvMachine, f: Fields) => void

const register =
  (op: number): Semantics =>
  (m, f) =>
    m.setX(f.rd, m.op(op, m.x(f.rs1), m.x(f.rs2)))
const immediate =
  (op: number): Semantics =>
  (m, f) =>
    m.setX(f.rd, m.op(op, m.x(f.rs1), m.imm(f.imm)))
const registerWord =
  (op: number): Semantics =>
  (m, f) =>
    m.setX(f.rd, m.signed(m.op(op, m.word(m.x(f.rs1)), m.word(m.x(f.rs2)))))
const immediateWord =
  (op: number): Semantics =>
  (m, f) =>
    m.setX(f.rd, m.signed(m.op(op, m.word(m.x(f.rs1)), m.word(m.imm(f.imm)))))
const branch =
  (op: number): Semantics =>
  (m, f) =>
    m.branch(m.op(op, m.x(f.rs1), m.x(f.rs2)), f.imm)
const load =
  (op: number, bytes: number): Semantics =>
  (m, f) =>
    m.setX(f.rd, m.load(op, bytes, m.address(f.rs1, f.imm)))
const store =
  (op: number, bytes: number): Semantics =>
  (m, f) =>
    m.store(op, bytes, m.address(f.rs1, f.imm), m.x(f.rs2))

/** RV32I and RV64I (Unpriv. ch. 2 and 4). */
export const rv64i: readonly Row[] = [
  insn('lui', 'imm[31:12] rd 0110111', (m, f) => m.setX(f.rd, m.imm(f.imm))),
  insn('auipc', 'imm[31:12] rd 0010111', (m, f) => m.setX(f.rd, m.add(m.pc(), m.imm(f.imm)))),
  insn('jal', 'imm[20|10:1|11|19:12] rd 1101111', (m, f) => {
    m.setX(f.rd, m.nextPc())
    m.jump(f.imm)
  }),
  insn('jalr', 'imm[11:0] rs1 000 rd 1100111', (m, f) => {
    const target = m.let(m.op(Op.i64And, m.address(f.rs1, f.imm), m.c(-2)))
    m.setX(f.rd, m.nextPc())
    // The hints for return-address stacks (Unpriv. §2.5.1): a jump by x1 or x5 that keeps no address is a return.
    const [to, by] = [m.emitter.known(f.rd), m.emitter.known(f.rs1)]
    m.jumpTo(target(), to === 0 && (by === 1 || by === 5))
  }),
  insn('beq', 'imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011', branch(Op.i64Eq)),
  insn('bne', 'imm[12|10:5] rs2 rs1 001 imm[4:1|11] 1100011', branch(Op.i64Ne)),
  insn('blt', 'imm[12|10:5] rs2 rs1 100 imm[4:1|11] 1100011', branch(Op.i64LtS)),
  insn('bge', 'imm[12|10:5] rs2 rs1 101 imm[4:1|11] 1100011', branch(Op.i64GeS)),
  insn('bltu', 'imm[12|10:5] rs2 rs1 110 imm[4:1|11] 1100011', branch(Op.i64LtU)),
  insn('bgeu', 'imm[12|10:5] rs2 rs1 111 imm[4:1|11] 1100011', branch(Op.i64GeU)),
  insn('lb', 'imm[11:0] rs1 000 rd 0000011', load(Op.i64Load8S, 1)),
  insn('lh', 'imm[11:0] rs1 001 rd 0000011', load(Op.i64Load16S, 2)),
  insn('lw', 'imm[11:0] rs1 010 rd 0000011', load(Op.i64Load32S, 4)),
  insn('ld', 'imm[11:0] rs1 011 rd 0000011', load(Op.i64Load, 8)),
  insn('lbu', 'imm[11:0] rs1 100 rd 0000011', load(Op.i64Load8U, 1)),
  insn('lhu', 'imm[11:0] rs1 101 rd 0000011', load(Op.i64Load16U, 2)),
  insn('lwu', 'imm[11:0] rs1 110 rd 0000011', load(Op.i64Load32U, 4)),
  insn('sb', 'imm[11:5] rs2 rs1 000 imm[4:0] 0100011', store(Op.i64Store8, 1)),
  insn('sh', 'imm[11:5] rs2 rs1 001 imm[4:0] 0100011', store(Op.i64Store16, 2)),
  insn('sw', 'imm[11:5] rs2 rs1 010 imm[4:0] 0100011', store(Op.i64Store32, 4)),
  insn('sd', 'imm[11:5] rs2 rs1 011 imm[4:0] 0100011', store(Op.i64Store, 8)),
  insn('addi', 'imm[11:0] rs1 000 rd 0010011', immediate(Op.i64Add)),
  insn('slti', 'imm[11:0] rs1 010 rd 0010011', (m, f) =>
    m.setX(f.rd, m.unsigned(m.op(Op.i64LtS, m.x(f.rs1), m.imm(f.imm)))),
  ),
  insn('sltiu', 'imm[11:0] rs1 011 rd 0010011', (m, f) =>
    m.setX(f.rd, m.unsigned(m.op(Op.i64LtU, m.x(f.rs1), m.imm(f.imm)))),
  ),
  insn('xori', 'imm[11:0] rs1 100 rd 0010011', immediate(Op.i64Xor)),
  insn('ori', 'imm[11:0] rs1 110 rd 0010011', immediate(Op.i64Or)),
  insn('andi', 'imm[11:0] rs1 111 rd 0010011', immediate(Op.i64And)),
  insn('slli', '000000 shamt[5:0] rs1 001 rd 0010011', immediate(Op.i64Shl)),
  insn('srli', '000000 shamt[5:0] rs1 101 rd 0010011', immediate(Op.i64ShrU)),
  insn('srai', '010000 shamt[5:0] rs1 101 rd 0010011', immediate(Op.i64ShrS)),
  insn('addiw', 'imm[11:0] rs1 000 rd 0011011', immediateWord(Op.i32Add)),
  insn('slliw', '0000000 shamt[4:0] rs1 001 rd 0011011', immediateWord(Op.i32Shl)),
  insn('srliw', '0000000 shamt[4:0] rs1 101 rd 0011011', immediateWord(Op.i32ShrU)),
  insn('sraiw', '0100000 shamt[4:0] rs1 101 rd 0011011', immediateWord(Op.i32ShrS)),
  insn('add', '0000000 rs2 rs1 000 rd 0110011', register(Op.i64Add)),
  insn('sub', '0100000 rs2 rs1 000 rd 0110011', register(Op.i64Sub)),
  insn('sll', '0000000 rs2 rs1 001 rd 0110011', register(Op.i64Shl)),
  insn('slt', '0000000 rs2 rs1 010 rd 0110011', (m, f) =>
    m.setX(f.rd, m.unsigned(m.op(Op.i64LtS, m.x(f.rs1), m.x(f.rs2)))),
  ),
  insn('sltu', '0000000 rs2 rs1 011 rd 0110011', (m, f) =>
    m.setX(f.rd, m.unsigned(m.op(Op.i64LtU, m.x(f.rs1), m.x(f.rs2)))),
  ),
  insn('xor', '0000000 rs2 rs1 100 rd 0110011', register(Op.i64Xor)),
  insn('srl', '0000000 rs2 rs1 101 rd 0110011', register(Op.i64ShrU)),
  insn('sra', '0100000 rs2 rs1 101 rd 0110011', register(Op.i64ShrS)),
  insn('or', '0000000 rs2 rs1 110 rd 0110011', register(Op.i64Or)),
  insn('and', '0000000 rs2 rs1 111 rd 0110011', register(Op.i64And)),
  insn('addw', '0000000 rs2 rs1 000 rd 0111011', registerWord(Op.i32Add)),
  insn('subw', '0100000 rs2 rs1 000 rd 0111011', registerWord(Op.i32Sub)),
  insn('sllw', '0000000 rs2 rs1 001 rd 0111011', registerWord(Op.i32Shl)),
  insn('srlw', '0000000 rs2 rs1 101 rd 0111011', registerWord(Op.i32ShrU)),
  insn('sraw', '0100000 rs2 rs1 101 rd 0111011', registerWord(Op.i32ShrS)),
  // Where one host thread runs all harts this does nothing: WebAssembly keeps its own program order.
  insn('fence', 'fm pred succ rs1 000 rd 0001111', m => m.emitter.fence()),
  insn('fence.i', 'imm[11:0] rs1 001 rd 0001111', m => {
    m.emitter.system(m.i32(System.fenceI), m.c(0), m.c(0))
    m.emitter.settle()
  }),
  insn('ecall', '000000000000 00000 000 00000 1110011', m => m.emitter.systemJump(m.i32(System.ecall), m.c(0), m.c(0))),
  insn('ebreak', '000000000001 00000 000 00000 1110011', m =>
    m.emitter.systemJump(m.i32(System.ebreak), m.c(0), m.c(0)),
  ),
]
