import { closeSync, openSync, readSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { DwarfInfo, ElfSectionTable, FrameTable } from '@doppel/base'
import type { DebugFile } from '@doppel/monitor'
import type { NamedFile } from '../run/symbols.ts'

/** Files' debugging information, and how to close them. */
export interface OpenDebugFiles {
  readonly files: readonly DebugFile[]
  readonly close: () => void
}

/** Opens files with names of guest code: sections of theirs are read when they are first asked for. Throws `elf.*`. */
export function openDebugFiles(named: readonly NamedFile[]): OpenDebugFiles {
  const descriptors: number[] = []
  const close = (): void => descriptors.splice(0).forEach(descriptor => closeSync(descriptor))
  try {
    const files = named.map(({ path, offset }): DebugFile => {
      const descriptor = openSync(path, 'r')
      descriptors.push(descriptor)
      const table = new ElfSectionTable((at, length) => readAt(descriptor, at, length), path, inflate)
      const known = new Map<string, Uint8Array | undefined>()
      const section = (title: string): Uint8Array | undefined => {
        if (!known.has(title)) known.set(title, table.section(title))
        return known.get(title)
      }
      return {
        info: new DwarfInfo(section, path, offset),
        frames: new FrameTable(section, path, { moved: offset, ehFrameAddress: table.address('.eh_frame') }),
      }
    })
    return { files, close }
  } catch (error) {
    close()
    throw error
  }
}

function inflate(packed: Uint8Array, maxBytes: number): Uint8Array {
  return inflateSync(packed, { maxOutputLength: maxBytes })
}

function readAt(descriptor: number, offset: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes)
  let done = 0
  while (done < lengthBytes) {
    const count = readSync(descriptor, bytes, done, lengthBytes - done, offset + done)
    if (count === 0) break
    done += count
  }
  return bytes.subarray(0, done)
}
