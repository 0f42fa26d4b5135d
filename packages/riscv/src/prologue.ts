import { type Decoded, newDecoded } from '@doppel/engine'
import { rv64gc } from './insn/rv64gc.ts'
import type { HartView } from './view.ts'

/** Register numbers of the calling convention (RISC-V Calling Conventions §"Register Convention"). */
const RA = 1
const SP = 2
const FP = 8
/** Functions are longer at times; what is read of them is not. */
const MAX_BYTES = 16 << 10

const row = (name: string): number => rv64gc.index(name)
const ADDI = row('addi')
const SD = row('sd')
const LD = row('ld')
const JAL = row('jal')
const JALR = row('jalr')

/** What a function has done with its stack when it has come to an address; places count from the stack pointer at its entry. */
export interface FrameLayout {
  /** How far the stack pointer is below that. */
  readonly sizeBytes: bigint
  /** Where the return address is; undefined while it is in its register. */
  readonly returnAt: bigint | undefined
  /** Where the caller's frame pointer is; undefined while it is in its register. */
  readonly framePointerAt: bigint | undefined
  /** Where the frame pointer points; undefined while that is the caller's. */
  readonly framePointer: bigint | undefined
}

const ENTRY: FrameLayout = { sizeBytes: 0n, returnAt: undefined, framePointerAt: undefined, framePointer: undefined }

/** Reads a function from its beginning to an address, as compilers write them: it may return in between and go on after that. */
export function frameLayout(view: HartView, start: bigint, pc: bigint): FrameLayout {
  const bytes = view.read(start, Number(pc - start > BigInt(MAX_BYTES) ? BigInt(MAX_BYTES) : pc - start))
  const decoded = newDecoded()
  let layout = ENTRY
  /** As it was before the function began to return. */
  let body: FrameLayout | undefined
  for (let at = 0; at + 2 <= bytes.length; at += decoded.lengthBytes) {
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    const high = (low & 3) === 3 ? (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8) : 0
    rv64gc.decode(low | (high << 16), decoded)
    const { row: what, rd, rs1 } = decoded
    const undoes =
      (what === ADDI && rd === SP && rs1 === SP && decoded.imm > 0) || (what === LD && rs1 === SP && rd === RA)
    if (undoes) body ??= layout
    layout = after(layout, decoded)
    // What follows a jump that does not come back is reached from the body.
    if (body && rd === 0 && (what === JAL || what === JALR)) [layout, body] = [body, undefined]
  }
  return layout
}

function after(layout: FrameLayout, { row: what, rd, rs1, rs2, imm }: Decoded): FrameLayout {
  const { sizeBytes } = layout
  const place = BigInt(imm) - sizeBytes
  if (rs1 !== SP) return layout
  if (what === ADDI && rd === SP) return { ...layout, sizeBytes: sizeBytes - BigInt(imm) }
  if (what === ADDI && rd === FP) return { ...layout, framePointer: place }
  if (what === SD && rs2 === RA) return { ...layout, returnAt: layout.returnAt ?? place }
  if (what === SD && rs2 === FP) return { ...layout, framePointerAt: layout.framePointerAt ?? place }
  if (what === LD && rd === RA) return { ...layout, returnAt: undefined }
  if (what === LD && rd === FP) return { ...layout, framePointerAt: undefined, framePointer: undefined }
  return layout
}

/** Whether an address is where a call returns to: the instruction before it is one. */
export function followsCall(view: HartView, address: bigint): boolean {
  if (address < 4n || (address & 1n) !== 0n) return false
  const decoded = newDecoded()
  return [4n, 2n].some(lengthBytes => {
    const word = view.instruction(address - lengthBytes)
    if (word === undefined) return false
    rv64gc.decode(word, decoded)
    const calls = (decoded.row === JAL || decoded.row === JALR) && decoded.rd === RA
    return calls && BigInt(decoded.lengthBytes) === lengthBytes
  })
}
