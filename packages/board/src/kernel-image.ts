import { DoppelError, isElf } from '@doppel/base'

/** What a kernel file turned out to be. */
export type KernelFormat = 'riscv-image' | 'elf' | 'raw'

/** The header of a RISC-V Linux Image (Linux Documentation/arch/riscv/boot-image-header). */
export interface RiscvImageHeader {
  /** Where the kernel wants to lie from the start of RAM; Linux itself takes any multiple of 2 MiB. */
  readonly textOffset: number
  /** Memory the kernel needs from its first byte on, its bss included. */
  readonly memoryBytes: number
}

const HEADER_BYTES = 64
const MAGIC2_AT = 56
/** "RSC\5", the second magic number; the first is deprecated. */
const MAGIC2 = 0x0543_5352

/**
 * Tells a kernel file's format by its first bytes. Throws `kernel.compressed` (gzip, xz, zstd, or an EFI zboot wrapper)
 * and `kernel.machine` (a kernel for another instruction set), naming what to do.
 */
export function kernelFormat(bytes: Uint8Array, name: string): KernelFormat {
  const compression = compressionOf(bytes)
  if (compression !== undefined) {
    throw new DoppelError('kernel.compressed', `${name} is compressed (${compression}); decompress it first`, {
      name,
      compression,
    })
  }
  if (isElf(bytes)) return 'elf'
  if (u32(bytes, MAGIC2_AT) === MAGIC2) return 'riscv-image'
  const other = otherMachine(bytes)
  if (other === undefined) return 'raw'
  throw new DoppelError('kernel.machine', `${name} is a kernel for ${other}; this board runs RISC-V`, { name, other })
}

/** How a file is compressed, by its first bytes; undefined when it is not. */
export function compressionOf(bytes: Uint8Array): 'gzip' | 'xz' | 'zstd' | 'EFI zboot' | undefined {
  const first = u32(bytes, 0)
  if ((first & 0xff_ffff) === 0x08_8b1f) return 'gzip'
  if (first === 0x587a_37fd) return 'xz'
  if (first === 0xfd2f_b528) return 'zstd'
  // "MZ" then "zimg": the kernel's own EFI decompressor, which needs EFI to run.
  if ((first & 0xffff) === 0x5a4d && u32(bytes, 4) === 0x676d_697a) return 'EFI zboot'
  return undefined
}

function otherMachine(bytes: Uint8Array): string | undefined {
  if (u32(bytes, MAGIC2_AT) === 0x644d_5241) return 'AArch64'
  if (u32(bytes, 0x202) === 0x5372_6448) return 'x86'
  return undefined
}

/** Reads the header of a `riscv-image`; throws `kernel.header` for sizes no memory has or a big-endian kernel. */
export function parseRiscvImage(bytes: Uint8Array, name: string): RiscvImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER_BYTES || u32(bytes, MAGIC2_AT) !== MAGIC2) {
    throw new DoppelError('kernel.header', `${name} is no RISC-V Linux Image: "RSC\\5" is not at byte 56`, { name })
  }
  const [textOffset, imageBytes] = [view.getBigUint64(8, true), view.getBigUint64(16, true)]
  if ((view.getUint8(24) & 1) !== 0) {
    throw new DoppelError('kernel.header', `${name} is a big-endian kernel; expected little-endian`, { name })
  }
  if (textOffset > MAX_HEADER_VALUE || imageBytes > MAX_HEADER_VALUE) {
    throw new DoppelError('kernel.header', `${name} says it needs ${imageBytes} bytes at offset ${textOffset}`, {
      name,
      textOffset,
      imageBytes,
    })
  }
  // Images before the header was final say 0.
  return { textOffset: Number(textOffset), memoryBytes: Math.max(Number(imageBytes), bytes.length) }
}

/** A terabyte: beyond any guest's memory, and exact as a number. */
const MAX_HEADER_VALUE = 1n << 40n

function u32(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) return 0
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true)
}
