import { type Node, Op } from '@doppel/wasm'
import type { Operand } from '@doppel/engine'
import type { RiscvMachine } from '../machine.ts'
import { type Fields, insn, type Row } from './types.ts'

/** One of the two formats: how its values sit in registers and memory. */
interface Format {
  readonly suffix: 's' | 'd'
  /** The fmt field, two bits. */
  readonly fmt: string
  readonly bytes: 4 | 8
  /** funct3 of its loads and stores. */
  readonly width: string
  /** Prefix of its functions in the run-time module. */
  readonly float: 'f32' | 'f64'
  readonly read: (m: RiscvMachine, register: Operand) => Node
  readonly write: (m: RiscvMachine, register: Operand, bits: Node) => void
  readonly sign: (m: RiscvMachine) => Node
}
const SINGLE: Format = {
  suffix: 's',
  fmt: '00',
  bytes: 4,
  width: '010',
  float: 'f32',
  read: (m, r) => m.f32(r),
  write: (m, r, bits) => m.setF32(r, bits),
  sign: m => m.emitter.fn.i64(1 << 31, 0),
}
const DOUBLE: Format = {
  suffix: 'd',
  fmt: '01',
  bytes: 8,
  width: '011',
  float: 'f64',
  read: (m, r) => m.f(r),
  write: (m, r, bits) => m.setF(r, bits),
  sign: m => m.emitter.fn.i64(0, 1 << 31),
}

/** A floating-point instruction: illegal while FS is Off. */
const fp = (name: string, encoding: string, semantics: Row['semantics']): Row =>
  insn(name, encoding, (m, f) => {
    m.needFloat()
    semantics(m, f)
  })

/** Sign injection: the first operand's magnitude with a sign made from both. */
const injectSign =
  (t: Format, sign: (m: RiscvMachine, a: Node, b: Node) => Node, moves: boolean): Row['semantics'] =>
  (m, f) => {
    const [first, second] = [m.emitter.known(f.rs1), m.emitter.known(f.rs2)]
    // The usual move, where the format has no boxes to check.
    if (moves && t.bytes === 8 && first !== undefined && first === second) return t.write(m, f.rd, t.read(m, f.rs1))
    const a = m.let(t.read(m, f.rs1))
    const b = m.let(t.read(m, f.rs2))
    const magnitude = m.op(Op.i64And, a(), m.op(Op.i64Xor, t.sign(m), m.c(-1)))
    t.write(m, f.rd, m.op(Op.i64Or, magnitude, m.op(Op.i64And, sign(m, a(), b()), t.sign(m))))
  }

function rowsOf(t: Format): Row[] {
  const { suffix: s, fmt, float } = t
  const loadOp = t.bytes === 4 ? Op.i64Load32U : Op.i64Load
  const storeOp = t.bytes === 4 ? Op.i64Store32 : Op.i64Store
  const arithmetic = (name: string, funct5: string): Row =>
    fp(`f${name}.${s}`, `${funct5} ${fmt} rs2 rs1 rm!=5,6 rd 1010011`, (m, f) =>
      t.write(
        m,
        f.rd,
        m.rounded(`${float}.${name}`, f.imm, () => [t.read(m, f.rs1), t.read(m, f.rs2)]),
      ),
    )
  const fused = (name: string, opcode: string, negateProduct: boolean, negateAddend: boolean): Row =>
    fp(`${name}.${s}`, `rs3 ${fmt} rs2 rs1 rm!=5,6 rd ${opcode}`, (m, f) => {
      const flip = (bits: Node, negate: boolean): Node => (negate ? m.op(Op.i64Xor, bits, t.sign(m)) : bits)
      const operands = (): Node[] => [
        flip(t.read(m, f.rs1), negateProduct),
        t.read(m, f.rs2),
        flip(t.read(m, f.rs3), negateAddend),
      ]
      t.write(m, f.rd, m.rounded(`${float}.fma`, f.imm, operands))
    })
  const selection = (name: string, funct3: string): Row =>
    fp(`f${name}.${s}`, `00101 ${fmt} rs2 rs1 ${funct3} rd 1010011`, (m, f) =>
      t.write(m, f.rd, m.float(`${float}.${name}`, t.read(m, f.rs1), t.read(m, f.rs2), m.i32(0))),
    )
  const comparison = (name: string, funct3: string): Row =>
    fp(`f${name}.${s}`, `10100 ${fmt} rs2 rs1 ${funct3} rd 1010011`, (m, f) =>
      m.setX(f.rd, m.unrounded(`${float}.${name}`, t.read(m, f.rs1), t.read(m, f.rs2))),
    )
  const sign = (name: string, funct3: string, make: (m: RiscvMachine, a: Node, b: Node) => Node): Row =>
    fp(`fsgnj${name}.${s}`, `00100 ${fmt} rs2 rs1 ${funct3} rd 1010011`, injectSign(t, make, name === ''))
  const toInteger = (name: string, code: string): Row =>
    fp(`fcvt.${name}.${s}`, `11000 ${fmt} ${code} rs1 rm!=5,6 rd 1010011`, (m, f) => {
      const rm = m.let(m.rounding(f.imm))
      m.setX(f.rd, m.float(`${float}.to.${name}`, t.read(m, f.rs1), rm()))
    })
  const fromInteger = (name: string, code: string): Row =>
    fp(`fcvt.${s}.${name}`, `11010 ${fmt} ${code} rs1 rm!=5,6 rd 1010011`, (m, f) =>
      t.write(
        m,
        f.rd,
        m.rounded(`${float}.from.${name}`, f.imm, () => [m.x(f.rs1)]),
      ),
    )
  return [
    fp(`fl${s === 's' ? 'w' : 'd'}`, `imm[11:0] rs1 ${t.width} rd 0000111`, (m, f) =>
      t.write(m, f.rd, m.load(loadOp, t.bytes, m.address(f.rs1, f.imm))),
    ),
    fp(`fs${s === 's' ? 'w' : 'd'}`, `imm[11:5] rs2 rs1 ${t.width} imm[4:0] 0100111`, (m, f) =>
      m.store(storeOp, t.bytes, m.address(f.rs1, f.imm), m.f(f.rs2)),
    ),
    fused('fmadd', '1000011', false, false),
    fused('fmsub', '1000111', false, true),
    fused('fnmsub', '1001011', true, false),
    fused('fnmadd', '1001111', true, true),
    arithmetic('add', '00000'),
    arithmetic('sub', '00001'),
    arithmetic('mul', '00010'),
    arithmetic('div', '00011'),
    fp(`fsqrt.${s}`, `01011 ${fmt} 00000 rs1 rm!=5,6 rd 1010011`, (m, f) =>
      t.write(
        m,
        f.rd,
        m.rounded(`${float}.sqrt`, f.imm, () => [t.read(m, f.rs1)]),
      ),
    ),
    sign('', '000', (_m, _a, b) => b),
    sign('n', '001', (m, _a, b) => m.op(Op.i64Xor, b, m.c(-1))),
    sign('x', '010', (m, a, b) => m.op(Op.i64Xor, a, b)),
    selection('min', '000'),
    selection('max', '001'),
    comparison('eq', '010'),
    comparison('lt', '001'),
    comparison('le', '000'),
    fp(`fclass.${s}`, `11100 ${fmt} 00000 rs1 001 rd 1010011`, (m, f) =>
      m.setX(f.rd, m.float(`${float}.class`, t.read(m, f.rs1), m.i32(0))),
    ),
    toInteger('w', '00000'),
    toInteger('wu', '00001'),
    toInteger('l', '00010'),
    toInteger('lu', '00011'),
    fromInteger('w', '00000'),
    fromInteger('wu', '00001'),
    fromInteger('l', '00010'),
    fromInteger('lu', '00011'),
  ]
}

const moveFields = '00000 rs1 000 rd 1010011'

/** Single and double precision floating point (Unpriv. ch. "F" and "D"). */
export const rv64fd: readonly Row[] = [
  ...rowsOf(SINGLE),
  ...rowsOf(DOUBLE),
  fp('fmv.x.w', `1110000 ${moveFields}`, (m, f) => m.setX(f.rd, m.op(Op.i64Extend32S, m.f(f.rs1)))),
  fp('fmv.w.x', `1111000 ${moveFields}`, (m, f) =>
    m.setF32(f.rd, m.op(Op.i64And, m.x(f.rs1), m.emitter.fn.i64(-1, 0))),
  ),
  fp('fmv.x.d', `1110001 ${moveFields}`, (m, f) => m.setX(f.rd, m.f(f.rs1))),
  fp('fmv.d.x', `1111001 ${moveFields}`, (m, f) => m.setF(f.rd, m.x(f.rs1))),
  fp('fcvt.s.d', '0100000 00001 rs1 rm!=5,6 rd 1010011', (m, f) => {
    m.setF32(
      f.rd,
      m.rounded('f64.to.f32', f.imm, () => [m.f(f.rs1)]),
    )
  }),
  fp('fcvt.d.s', '0100001 00000 rs1 rm!=5,6 rd 1010011', (m, f: Fields) => {
    m.setF(
      f.rd,
      m.rounded('f32.to.f64', f.imm, () => [m.f32(f.rs1)]),
    )
  }),
]
