import type { MmioDevice } from '@doppel/devices'
import { VIRT } from './memory-map.ts'

/** Where the reset vector goes. Addresses are guest-physical. */
export interface ResetVector {
  readonly firmware: bigint
  readonly deviceTree: bigint
  /** What fw_dynamic starts next, in S-mode; undefined when the firmware finds it by itself. */
  readonly next: bigint | undefined
}

/** Offset of the fw_dynamic_info structure from the ROM's base: what firmware gets in a2. */
export const DYNAMIC_INFO_OFFSET = 40

/** Loads a0 = mhartid, a1 = device tree, a2 = info and jumps to the firmware; the two addresses follow the code. */
const CODE = [
  0x0000_0297, // auipc t0, 0
  0x0282_8613, // addi  a2, t0, 40
  0xf140_2573, // csrr  a0, mhartid
  0x0202_b583, // ld    a1, 32(t0)
  0x0182_b283, // ld    t0, 24(t0)
  0x0002_8067, // jr    t0
] as const

/** "OSBI", the magic of struct fw_dynamic_info (OpenSBI docs/firmware/fw_dynamic.md), and the version we fill. */
const DYNAMIC_MAGIC = 0x4942_534fn
const DYNAMIC_VERSION = 2n
const NEXT_MODE_SUPERVISOR = 1n
const NO_OPTIONS = 0n
const ANY_BOOT_HART = 0xffff_ffff_ffff_ffffn

/** The ROM at 0x1000: reset vector and the structure by which OpenSBI's fw_dynamic learns what to start. */
export function resetRom({ firmware, deviceTree, next }: ResetVector): MmioDevice {
  const view = new DataView(new ArrayBuffer(VIRT.resetRom.lengthBytes))
  for (const [i, word] of CODE.entries()) view.setUint32(i * 4, word, true)
  const info = [DYNAMIC_MAGIC, DYNAMIC_VERSION, next ?? 0n, NEXT_MODE_SUPERVISOR, NO_OPTIONS, ANY_BOOT_HART]
  const words = [firmware, deviceTree, ...info]
  for (const [i, word] of words.entries()) view.setBigUint64(24 + i * 8, word, true)
  return {
    name: 'reset-rom',
    lengthBytes: view.byteLength,
    read: (offset, width) =>
      width === 4 ? view.getUint32(offset, true) : width === 2 ? view.getUint16(offset, true) : view.getUint8(offset),
    write: () => {
      // Read-only.
    },
  }
}
