import type { BlockStore } from '@doppel/base'
import { openDiskFile } from './file.ts'
import { openQcow2 } from './qcow2.ts'
import { QCOW2_MAGIC } from './qcow2-header.ts'
import { openRaw } from './raw.ts'

/**
 * Opens a disk image as what its first bytes say: qcow2, else raw. A guest can write those bytes into a raw disk of
 * its own and so name a backing file for the next start, which is why backing files are confined to the image's
 * folder. Throws `disk.*`.
 */
export async function openDisk(path: string, options: { readonly readOnly?: boolean } = {}): Promise<BlockStore> {
  const file = await openDiskFile(path, { readOnly: true })
  const magic = new Uint8Array(4)
  try {
    await file.read(0, magic)
  } finally {
    await file.close()
  }
  const isQcow2 = new DataView(magic.buffer).getUint32(0) === QCOW2_MAGIC
  return isQcow2 ? await openQcow2(path, options) : await openRaw(path, options)
}
