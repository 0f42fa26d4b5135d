import type { Attributes, Entry } from '../../folder-store.ts'

/** How long a guest may keep names and attributes without asking again: the host may change them too. */
const CACHE_SECONDS = 1
const NS_PER_SECOND = 1_000_000_000n

/** struct fuse_attr, fuse_attr_out, fuse_entry_out, fuse_open_out. */
const ATTR_BYTES = 88
const ATTR_OUT_BYTES = 16 + ATTR_BYTES
/** Bytes of a fuse_entry_out. */
export const ENTRY_OUT_BYTES: number = 40 + ATTR_BYTES

/** struct fuse_attr_out. */
export function attrOut(attributes: Attributes): Uint8Array {
  const view = new DataView(new ArrayBuffer(ATTR_OUT_BYTES))
  view.setBigUint64(0, BigInt(CACHE_SECONDS), true)
  putAttributes(view, 16, attributes)
  return new Uint8Array(view.buffer)
}

/** struct fuse_entry_out. */
export function entryOut({ id, attributes }: Entry): Uint8Array {
  const view = new DataView(new ArrayBuffer(ENTRY_OUT_BYTES))
  view.setBigUint64(0, BigInt(id), true)
  view.setBigUint64(16, BigInt(CACHE_SECONDS), true)
  view.setBigUint64(24, BigInt(CACHE_SECONDS), true)
  putAttributes(view, 40, attributes)
  return new Uint8Array(view.buffer)
}

/** struct fuse_open_out. */
export function openOut(handle: number): Uint8Array {
  return words(handle, 0, 0, 0)
}

/** Little-endian 32-bit words. */
export function words(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value, true)
  return new Uint8Array(view.buffer)
}

/** struct fuse_dirent with its name, padded to 8 bytes. `next` is the offset that continues after this entry. */
export function dirent(ino: bigint, next: number, type: number, name: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((24 + name.length + 7) & ~7)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, ino, true)
  view.setBigUint64(8, BigInt(next), true)
  view.setUint32(16, name.length, true)
  // A directory entry's type is the mode's type bits, shifted down (DT_*).
  view.setUint32(20, type >>> 12, true)
  bytes.set(name, 24)
  return bytes
}

/** The parts one after another. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** struct fuse_attr. */
function putAttributes(view: DataView, at: number, a: Attributes): void {
  view.setBigUint64(at, a.ino, true)
  view.setBigUint64(at + 8, BigInt(a.sizeBytes), true)
  view.setBigUint64(at + 16, BigInt(a.blocks), true)
  for (const [i, ns] of [a.atimeNs, a.mtimeNs, a.ctimeNs].entries()) {
    const fraction = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND
    view.setBigInt64(at + 24 + 8 * i, (ns - fraction) / NS_PER_SECOND, true)
    view.setUint32(at + 48 + 4 * i, Number(fraction), true)
  }
  for (const [i, word] of [a.mode, a.nlink, a.uid, a.gid, a.rdev, a.blockBytes].entries()) {
    view.setUint32(at + 60 + 4 * i, word, true)
  }
}
