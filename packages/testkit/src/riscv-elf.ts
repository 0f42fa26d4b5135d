const HEADER_BYTES = 64
const SEGMENT_BYTES = 56
const EM_RISCV = 243
const READ_WRITE_EXECUTE = 7

/** A RISC-V ELF64 file (System V gABI, chapters 4 and 5): instructions as one writable segment at `base`, entered there. */
export function riscvElf(code: readonly number[], base: number): Uint8Array {
  const start = HEADER_BYTES + SEGMENT_BYTES
  const bytes = new Uint8Array(start + code.length * 4)
  const view = new DataView(bytes.buffer)
  const halves = [
    [16, 2],
    [18, EM_RISCV],
    [52, HEADER_BYTES],
    [54, SEGMENT_BYTES],
    [56, 1],
  ] as const
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  for (const [at, value] of halves) view.setUint16(at, value, true)
  view.setUint32(20, 1, true)
  // The file is loaded whole, so that its offset and address agree in their page.
  view.setBigUint64(24, BigInt(base + start), true)
  view.setBigUint64(32, BigInt(HEADER_BYTES), true)
  view.setUint32(HEADER_BYTES, 1, true)
  view.setUint32(HEADER_BYTES + 4, READ_WRITE_EXECUTE, true)
  for (const at of [16, 24]) view.setBigUint64(HEADER_BYTES + at, BigInt(base), true)
  for (const at of [32, 40]) view.setBigUint64(HEADER_BYTES + at, BigInt(bytes.length), true)
  view.setBigUint64(HEADER_BYTES + 48, 4096n, true)
  for (const [i, word] of code.entries()) view.setUint32(start + i * 4, word, true)
  return bytes
}
