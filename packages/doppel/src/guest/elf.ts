const HEADER_BYTES = 64
const SEGMENT_BYTES = 56
const EM_RISCV = 243
const FLOAT_ABI_DOUBLE = 5 // EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE

/** Where a program made by `riscvProgram` begins to run; its code is to be assembled for this address. */
export const PROGRAM_ENTRY: bigint = 0x10000n + BigInt(HEADER_BYTES + SEGMENT_BYTES)

/** A static RISC-V Linux program of one segment: code and data as assembled, then `scratchBytes` of zeros. ELF-64, System V ABI. */
export function riscvProgram(code: Uint8Array, scratchBytes: number): Uint8Array {
  const start = HEADER_BYTES + SEGMENT_BYTES
  const file = new Uint8Array(start + code.length)
  const view = new DataView(file.buffer)
  // e_ident: magic, 64-bit, little-endian, version 1.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  view.setUint16(16, 2, true) // ET_EXEC
  view.setUint16(18, EM_RISCV, true)
  view.setUint32(20, 1, true)
  view.setBigUint64(24, PROGRAM_ENTRY, true)
  view.setBigUint64(32, BigInt(HEADER_BYTES), true)
  view.setUint32(48, FLOAT_ABI_DOUBLE, true)
  view.setUint16(52, HEADER_BYTES, true)
  view.setUint16(54, SEGMENT_BYTES, true)
  view.setUint16(56, 1, true)
  // PT_LOAD: the whole file, readable, writable and executable.
  view.setUint32(HEADER_BYTES, 1, true)
  view.setUint32(HEADER_BYTES + 4, 7, true)
  view.setBigUint64(HEADER_BYTES + 16, 0x10000n, true)
  view.setBigUint64(HEADER_BYTES + 24, 0x10000n, true)
  view.setBigUint64(HEADER_BYTES + 32, BigInt(file.length), true)
  view.setBigUint64(HEADER_BYTES + 40, BigInt(file.length + scratchBytes), true)
  view.setBigUint64(HEADER_BYTES + 48, 0x1000n, true)
  file.set(code, start)
  return file
}
