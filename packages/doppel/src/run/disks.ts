import { stat } from 'node:fs/promises'
import { type BlockStore, DoppelError } from '@doppel/base'
import { openDisk } from '@doppel/images'
import {
  type DiskImageFile,
  type FrozenDisk,
  frozenStore,
  type MachineDisk,
  OverlayDisk,
  ReadOnlyDisk,
  ThroughDisk,
} from '@doppel/monitor'
import type { DiskOption } from '../cli/run-options.ts'
import { lockDisk } from '../host/disk-lock.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Opens a disk as the options say, its image claimed until it is closed; `heirOf` is a process that has it and hands it
 * over. Throws `disk.*`.
 */
export async function openMachineDisk(
  { path, mode }: DiskOption,
  env: Environment,
  heirOf?: number,
): Promise<MachineDisk> {
  if (mode === 'read-write') return new ThroughDisk(await claimed(path, 'write', env, heirOf))
  return await diskOver(await openFrozenDisk(path, env), mode)
}

/** A machine's disk that goes on from a frozen one; takes over the caller's hold on that. */
export async function diskOver(from: FrozenDisk, mode: DiskOption['mode']): Promise<MachineDisk> {
  const disk = mode === 'read-only' ? new ReadOnlyDisk(from) : new OverlayDisk(from)
  await from.release()
  return disk
}

/** An image that nobody may write while it is held. Throws `disk.*`, and `snapshot.disk` where it is not `known` any more. */
export async function openFrozenDisk(path: string, env: Environment, known?: DiskImageFile): Promise<FrozenDisk> {
  const store = await claimed(path, 'read', env)
  try {
    const { size, mtimeNs } = await stat(path, { bigint: true })
    const file: DiskImageFile = { path, sizeBytes: Number(size), modifiedNs: mtimeNs }
    if (known && (known.sizeBytes !== file.sizeBytes || known.modifiedNs !== file.modifiedNs)) {
      throw new DoppelError('snapshot.disk', `${path} has changed since the snapshot over it was taken`, { path })
    }
    return frozenStore(store, file)
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Opens an image; its claim is given back once it is closed. */
async function claimed(path: string, mode: 'read' | 'write', env: Environment, heirOf?: number): Promise<BlockStore> {
  const lock = await lockDisk(path, mode, env, heirOf).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new DoppelError('disk.missing', `there is no disk image ${path}`, { path }, error)
  })
  try {
    const store = await openDisk(path, { readOnly: mode === 'read' })
    return {
      sizeBytes: store.sizeBytes,
      readOnly: store.readOnly,
      read: (offset, into) => store.read(offset, into),
      write: (offset, from) => store.write(offset, from),
      discard: (offset, lengthBytes) => store.discard(offset, lengthBytes),
      flush: () => store.flush(),
      close: async () => {
        await store.close()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}
