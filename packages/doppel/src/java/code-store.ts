import { hashWords } from '@doppel/base'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, linkSync } from 'node:fs'
import { join } from 'node:path'
// Not by way of the whole package: Java starts in less time than that takes to load.
import { cacheFolder } from '@doppel/images/cache-folder'
import type { CodeStore } from '@doppel/jvm'
import { VERSION } from '../cli/version.ts'
import { isFileError } from '../host/file-error.ts'
import { codeFolders, codeIn } from '../host/own-code.ts'
import { sha256 } from './sha256.ts'

/** The packages whose code generates. */
const MAKERS = ['@doppel/jvm', '@doppel/wasm']
/** Files of one archive at most, and their bytes: then it is begun anew. */
const MAX_FILES = 8
const MAX_BYTES = 96 << 20
/** Before a file's content: its checksum, and that of the file that it adds to. */
const CHECK_BYTES = 8

type Environment = Readonly<Record<string, string | undefined>>

/** So many bytes are hashed before Node’s own digests are worth loading. */
const SMALL_BYTES = 128 << 10

/** Digests of classes: collisions would let one program’s code run in another. */
function digests(): (bytes: Uint8Array) => string {
  let total = 0
  return bytes => {
    total += bytes.length
    if (total <= SMALL_BYTES) return Buffer.from(sha256(bytes)).toString('base64')
    const { createHash } = process.getBuiltinModule('node:crypto')
    return createHash('sha256').update(bytes).digest('base64')
  }
}

/** Two words that tell damage, and a content that follows on something else. */
function checksum(before: Uint8Array, content: Uint8Array): Uint8Array {
  const whole = content.length >>> 2
  const copy = content.byteOffset % 4 === 0 ? content : new Uint8Array(content)
  const words = new Int32Array(copy.buffer, copy.byteOffset, whole)
  const start = hashWords(before, [content.length, 0])
  const sums = hashWords(content.subarray(whole * 4), hashWords(words, start))
  return new Uint8Array(Int32Array.from(sums).buffer)
}

/**
 * Compiled code in files of the user's cache, apart by library, program and engine. Each file has a checksum and that of the
 * file before it, so that what is damaged or belongs to something else is not seen.
 */
export function fileCodeStore(library: string, env: Environment): CodeStore | undefined {
  const folder = join(cacheFolder(env), 'java')
  let key: string
  try {
    const { size, mtimeMs, ino } = statSync(library)
    const engine = `${VERSION} ${process.versions.v8} ${process.arch}`
    const text = `${library} ${size} ${mtimeMs} ${ino}\n${engine}\n${codeIn(codeFolders(MAKERS))}`
    key = Buffer.from(sha256(new TextEncoder().encode(text)))
      .toString('hex')
      .slice(0, 32)
  } catch (error) {
    if (isFileError(error)) return undefined
    throw error
  }
  const pathOf = (i: number): string => join(folder, `${key}.${i}`)
  let [count, last]: [number, Uint8Array] = [0, new Uint8Array(CHECK_BYTES)]
  let [isFull, isDamaged] = [false, false]
  return {
    digest: digests(),
    load: () => {
      const found: Uint8Array[] = []
      let total = 0
      for (; count < MAX_FILES; count++) {
        const file = readIfThere(pathOf(count))
        if (!file) break
        const [check, before] = [file.subarray(0, CHECK_BYTES), file.subarray(CHECK_BYTES, CHECK_BYTES * 2)]
        const content = file.subarray(CHECK_BYTES * 2)
        isDamaged = !same(check, checksum(before, content)) || !same(before, last)
        if (isDamaged) break
        found.push(content)
        last = check
        total += content.length
      }
      isFull = count === MAX_FILES || total > MAX_BYTES
      if (!isFull) return found
      ;[count, last] = [0, new Uint8Array(CHECK_BYTES)]
      return []
    },
    add: content => {
      try {
        mkdirSync(folder, { recursive: true })
        if (isFull) removeOld(folder, () => true)
        else if (count === 0) removeOld(folder, name => !name.startsWith(key))
        if (isDamaged) rmSync(pathOf(count), { force: true })
        writeNew(pathOf(count), [checksum(last, content), last, content])
      } catch (error) {
        if (!isFileError(error)) throw error
      }
    },
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (isFileError(error)) return undefined
    throw error
  }
}

/** Archives that no program will read any more, such as those of an earlier version. */
function removeOld(folder: string, isOld: (name: string) => boolean): void {
  for (const name of readdirSync(folder)) if (isOld(name)) rmSync(join(folder, name), { force: true })
}

/** Writes a file whole, and only where there is none: of two machines that add to one archive, one does. */
function writeNew(path: string, parts: readonly Uint8Array[]): void {
  const temporary = `${path}.${process.pid}`
  try {
    writeFileSync(temporary, Buffer.concat(parts))
    linkSync(temporary, path)
  } finally {
    rmSync(temporary, { force: true })
  }
}
