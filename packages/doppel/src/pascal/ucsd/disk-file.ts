import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { DoppelError } from '@doppel/base'
import { type DiskPort, physicalDisk } from '@doppel/pcode/ucsd'
import { lockDisk } from '../../host/disk-lock.ts'

/** A volume in a file of this computer, claimed for this process. */
export interface DiskFile {
  readonly disk: DiskPort
  readonly path: string
  close(): Promise<void>
}

/** Opens an image: `FILE` to be written too, `FILE:ro` read only. Throws `ucsd.volume-open`, `disk.locked`. */
export async function openDiskFile(
  spec: string,
  env: Readonly<Record<string, string | undefined>>,
  forReading = false,
): Promise<DiskFile> {
  const path = spec.replace(/:ro$/, '')
  const readOnly = forReading || path !== spec
  const descriptor = open(path, readOnly)
  try {
    const claim = await lockDisk(path, readOnly ? 'read' : 'write', env)
    const file: DiskPort = {
      sizeBytes: fstatSync(descriptor).size,
      readOnly,
      read: (offset, into) => readAll(path, descriptor, offset, into),
      write: (offset, from) => {
        for (let done = 0; done < from.length; ) {
          done += writeSync(descriptor, from, done, from.length - done, offset + done)
        }
      },
    }
    return {
      disk: physicalDisk(file),
      path,
      close: async () => {
        closeSync(descriptor)
        await claim.release()
      },
    }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

function open(path: string, readOnly: boolean): number {
  try {
    return openSync(path, readOnly ? 'r' : 'r+')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const hint = code === 'EACCES' || code === 'EROFS' ? `; ${path}:ro is for reading only` : ''
    const what = readOnly ? 'read' : 'read and written'
    throw new DoppelError('ucsd.volume-open', `${path} cannot be ${what} (${code})${hint}`, { path, code }, cause)
  }
}

function readAll(path: string, descriptor: number, offset: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const length = readSync(descriptor, into, done, into.length - done, offset + done)
    if (length === 0) throw new DoppelError('ucsd.volume-size', `${path} has become shorter while it is used`, { path })
    done += length
  }
}
