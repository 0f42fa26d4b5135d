import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, linkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from '@doppel/images'
import type { CodeStore } from '@doppel/jvm'
import { VERSION } from '../cli/version.ts'

/** Files of one archive at most, and their bytes: then it is begun anew. */
const MAX_FILES = 8
const MAX_BYTES = 96 << 20
/** Before a file's content: its digest, and the digest of the file that it adds to. */
const DIGEST_BYTES = 32

type Environment = Readonly<Record<string, string | undefined>>

function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Names and times of the files of this program that make code: other ones may make other code. */
function makers(): string {
  const folders = ['@doppel/jvm', '@doppel/wasm'].map(name => dirname(fileURLToPath(import.meta.resolve(name))))
  const lines = folders.flatMap(folder =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.[jt]s$/.test(entry.name) && !entry.name.includes('.test.'))
      .map(entry => {
        const path = join(entry.parentPath, entry.name)
        return `${path} ${statSync(path).mtimeMs}`
      }),
  )
  return lines.sort().join('\n')
}

/** An error of the file system: a cache that cannot be read or written is no reason not to run. */
function isFileError(error: unknown): boolean {
  return error instanceof Error && ('syscall' in error || ('code' in error && error.code === 'ERR_ACCESS_DENIED'))
}

/**
 * Compiled code in files of the user's cache, apart by library, program and engine. Each file is checked against its digest
 * and against the file before it, so that what is damaged or belongs to something else is not seen.
 */
export function fileCodeStore(library: string, env: Environment): CodeStore | undefined {
  const folder = join(cacheFolder(env), 'java')
  let key: string
  try {
    const { size, mtimeMs, ino } = statSync(library)
    const engine = `${VERSION} ${process.versions.v8} ${process.arch}`
    key = Buffer.from(sha256(`${library} ${size} ${mtimeMs} ${ino}\n${engine}\n${makers()}`))
      .toString('hex')
      .slice(0, 32)
  } catch (error) {
    if (isFileError(error)) return undefined
    throw error
  }
  const pathOf = (i: number): string => join(folder, `${key}.${i}`)
  let [count, last]: [number, Uint8Array] = [0, new Uint8Array(DIGEST_BYTES)]
  let isFull = false
  return {
    digest: bytes => Buffer.from(sha256(bytes)).toString('base64'),
    load: () => {
      const found: Uint8Array[] = []
      let total = 0
      for (; count < MAX_FILES; count++) {
        const file = readIfThere(pathOf(count))
        if (!file) break
        const [digest, before, content] = [file.subarray(0, 32), file.subarray(32, 64), file.subarray(64)]
        if (!same(digest, sha256(before, content)) || !same(before, last)) break
        found.push(content)
        last = digest
        total += content.length
      }
      isFull = count === MAX_FILES || total > MAX_BYTES
      if (!isFull) return found
      ;[count, last] = [0, new Uint8Array(DIGEST_BYTES)]
      return []
    },
    add: content => {
      try {
        mkdirSync(folder, { recursive: true })
        if (isFull) removeOld(folder, () => true)
        else if (count === 0) removeOld(folder, name => !name.startsWith(key))
        writeNew(pathOf(count), [sha256(last, content), last, content])
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
