import { type CompressedRow, compressed as c } from '@doppel/engine'

const SP = 2
const RA = 1

/**
 * Compressed instructions (Unpriv. ch. "C", RV64 columns), each with the instruction it is short for. Exclusions keep them
 * disjoint: what is excluded is another instruction, reserved, or a hint that the general form already ignores.
 */
export const rv64c: readonly CompressedRow[] = [
  // Quadrant 0
  c('c.addi4spn', "000 uimm[5:4|9:6|2|3]!=0 rd' 00", 'addi', { rd: 'rd', rs1: SP, imm: 'uimm' }),
  c('c.fld', "001 uimm[5:3] rs1' uimm[7:6] rd' 00", 'fld', { rd: 'rd', rs1: 'rs1', imm: 'uimm' }),
  c('c.lw', "010 uimm[5:3] rs1' uimm[2|6] rd' 00", 'lw', { rd: 'rd', rs1: 'rs1', imm: 'uimm' }),
  c('c.ld', "011 uimm[5:3] rs1' uimm[7:6] rd' 00", 'ld', { rd: 'rd', rs1: 'rs1', imm: 'uimm' }),
  c('c.fsd', "101 uimm[5:3] rs1' uimm[7:6] rs2' 00", 'fsd', { rs2: 'rs2', rs1: 'rs1', imm: 'uimm' }),
  c('c.sw', "110 uimm[5:3] rs1' uimm[2|6] rs2' 00", 'sw', { rs2: 'rs2', rs1: 'rs1', imm: 'uimm' }),
  c('c.sd', "111 uimm[5:3] rs1' uimm[7:6] rs2' 00", 'sd', { rs2: 'rs2', rs1: 'rs1', imm: 'uimm' }),
  // Quadrant 1. c.addi with rd = x0 is c.nop and its hints; writes to x0 are ignored anyway.
  c('c.addi', '000 imm[5] rd imm[4:0] 01', 'addi', { rd: 'rd', rs1: 'rd', imm: 'imm' }),
  c('c.addiw', '001 imm[5] rd!=0 imm[4:0] 01', 'addiw', { rd: 'rd', rs1: 'rd', imm: 'imm' }),
  c('c.li', '010 imm[5] rd imm[4:0] 01', 'addi', { rd: 'rd', rs1: 0, imm: 'imm' }),
  c('c.addi16sp', '011 imm[9]  00010 imm[4|6|8:7|5]!=0 01', 'addi', { rd: SP, rs1: SP, imm: 'imm' }),
  c('c.lui', '011 imm[17] rd!=2 imm[16:12]!=0 01', 'lui', { rd: 'rd', imm: 'imm' }),
  c('c.srli', "100 shamt[5] 00 rd' shamt[4:0] 01", 'srli', { rd: 'rd', rs1: 'rd', shamt: 'shamt' }),
  c('c.srai', "100 shamt[5] 01 rd' shamt[4:0] 01", 'srai', { rd: 'rd', rs1: 'rd', shamt: 'shamt' }),
  c('c.andi', "100 imm[5] 10 rd' imm[4:0] 01", 'andi', { rd: 'rd', rs1: 'rd', imm: 'imm' }),
  c('c.sub', "100011 rd' 00 rs2' 01", 'sub', { rd: 'rd', rs1: 'rd', rs2: 'rs2' }),
  c('c.xor', "100011 rd' 01 rs2' 01", 'xor', { rd: 'rd', rs1: 'rd', rs2: 'rs2' }),
  c('c.or', "100011 rd' 10 rs2' 01", 'or', { rd: 'rd', rs1: 'rd', rs2: 'rs2' }),
  c('c.and', "100011 rd' 11 rs2' 01", 'and', { rd: 'rd', rs1: 'rd', rs2: 'rs2' }),
  c('c.subw', "100111 rd' 00 rs2' 01", 'subw', { rd: 'rd', rs1: 'rd', rs2: 'rs2' }),
  c('c.addw', "100111 rd' 01 rs2' 01", 'addw', { rd: 'rd', rs1: 'rd', rs2: 'rs2' }),
  c('c.j', '101 imm[11|4|9:8|10|6|7|3:1|5] 01', 'jal', { rd: 0, imm: 'imm' }),
  c('c.beqz', "110 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", 'beq', { rs1: 'rs1', rs2: 0, imm: 'imm' }),
  c('c.bnez', "111 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", 'bne', { rs1: 'rs1', rs2: 0, imm: 'imm' }),
  // Quadrant 2
  c('c.slli', '000 shamt[5] rd shamt[4:0] 10', 'slli', { rd: 'rd', rs1: 'rd', shamt: 'shamt' }),
  c('c.fldsp', '001 uimm[5] rd uimm[4:3|8:6] 10', 'fld', { rd: 'rd', rs1: SP, imm: 'uimm' }),
  c('c.lwsp', '010 uimm[5] rd!=0 uimm[4:2|7:6] 10', 'lw', { rd: 'rd', rs1: SP, imm: 'uimm' }),
  c('c.ldsp', '011 uimm[5] rd!=0 uimm[4:3|8:6] 10', 'ld', { rd: 'rd', rs1: SP, imm: 'uimm' }),
  c('c.jr', '1000 rs1!=0 00000 10', 'jalr', { rd: 0, rs1: 'rs1', imm: 0 }),
  c('c.mv', '1000 rd rs2!=0 10', 'add', { rd: 'rd', rs1: 0, rs2: 'rs2' }),
  c('c.ebreak', '1001 00000 00000 10', 'ebreak', {}),
  c('c.jalr', '1001 rs1!=0 00000 10', 'jalr', { rd: RA, rs1: 'rs1', imm: 0 }),
  c('c.add', '1001 rd rs2!=0 10', 'add', { rd: 'rd', rs1: 'rd', rs2: 'rs2' }),
  c('c.fsdsp', '101 uimm[5:3|8:6] rs2 10', 'fsd', { rs2: 'rs2', rs1: SP, imm: 'uimm' }),
  c('c.swsp', '110 uimm[5:2|7:6] rs2 10', 'sw', { rs2: 'rs2', rs1: SP, imm: 'uimm' }),
  c('c.sdsp', '111 uimm[5:3|8:6] rs2 10', 'sd', { rs2: 'rs2', rs1: SP, imm: 'uimm' }),
]
