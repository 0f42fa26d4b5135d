import { DoppelError } from '@doppel/base'
import type { FolderStore } from '../folder-store.ts'
import type { Chain } from './chain.ts'
import { defineVirtio, type VirtioDevice, type VirtioParts } from './device.ts'
import { FuseSession } from './fuse/session.ts'
import { answerFuse, MAX_REQUEST_BYTES } from './fuse/table.ts'

/** What a shared folder is made from. */
export interface VirtioFsOptions {
  readonly store: FolderStore
  /** The name it is mounted by (`mount -t virtiofs TAG /mnt`): 1 to 36 bytes of UTF-8. */
  readonly tag: string
  /** Told when the store fails in a way it should not; the guest sees EIO. */
  readonly onError?: (error: unknown) => void
}

// struct virtio_fs_config, Virtio 1.2 §5.11.4.
const TAG_BYTES = 36
const CONFIG_BYTES = 40
/**
 * Holds a request of MAX_DATA_BYTES at a page a descriptor. It also bounds what a guest can make the host hold: that
 * many requests at once, each copied out.
 */
const QUEUE_SIZE = 128

/** A folder of the host's shared in: virtiofs. Virtio 1.2 §5.11. */
export const virtioFs: (options: VirtioFsOptions) => VirtioDevice = defineVirtio({
  id: 26,
  name: 'fs',
  pciClass: 0x01_8000,
  create: ({ store, tag, onError }: VirtioFsOptions): VirtioParts => {
    const config = configBytes(tag)
    const session = new FuseSession(store, error => onError?.(error))
    const serve = (chain: Chain): void => {
      void answer(session, chain)
    }
    return {
      queueSize: QUEUE_SIZE,
      config: () => config,
      reset: () => session.end(),
      ...(store.save
        ? { save: () => session.save(), restore: state => session.restore(state) }
        : { unsaved: 'the folder that it shares cannot be' }),
      queues: { hiprio: serve, request: serve },
    }
  },
})

async function answer(session: FuseSession, chain: Chain): Promise<void> {
  // A longer message is cut, and then refused because its header tells another length.
  const message = chain.readable.read(MAX_REQUEST_BYTES)
  const reply = await answerFuse(session, message, chain.writable.lengthBytes)
  if (reply) chain.writable.write(reply)
  chain.complete()
}

function configBytes(tag: string): Uint8Array {
  const name = new TextEncoder().encode(tag)
  if (name.length < 1 || name.length > TAG_BYTES) {
    throw new DoppelError('fs.tag', `'${tag}' is ${name.length} bytes; a shared folder's tag has 1 to 36`, { tag })
  }
  const bytes = new Uint8Array(CONFIG_BYTES)
  bytes.set(name)
  new DataView(bytes.buffer).setUint32(TAG_BYTES, 1, true)
  return bytes
}
