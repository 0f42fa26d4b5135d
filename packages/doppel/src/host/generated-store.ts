import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type GeneratedStore, keepGenerated } from '@doppel/engine'
import { cacheFolder } from '@doppel/images'
import { VERSION } from '../cli/version.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Parts = Record<string, string>

const HASH_BYTES = 32
/** Files of other versions of this program that are left: several checkouts may take turns. */
const MAX_FILES = 8
/** Parts of one file: each is of one size of memory, or one kind of machine. */
const MAX_PARTS = 64

let isKept = false
/** Has all machines of this process keep what they generate at their start. */
export function keepGeneratedFor(env: Environment): void {
  if (isKept) return
  isKept = true
  keepGenerated(generatedStore(env))
}

/** What is generated at a machine's start, in a file of the user's cache for each version of this program. */
export function generatedStore(env: Environment, makers: readonly string[] = ownFolders()): GeneratedStore {
  const folder = join(cacheFolder(env), 'generated')
  let found: { readonly path: string; readonly parts: Parts } | undefined
  let isChanged = false
  const open = (): NonNullable<typeof found> => {
    const path = join(folder, keyOf(makers))
    return (found ??= { path, parts: readParts(path) })
  }
  const write = (): void => {
    const { path, parts } = open()
    isChanged = false
    // What another process has added meanwhile is as good.
    writeParts(folder, path, { ...readParts(path), ...parts })
  }
  return {
    load: name => {
      const part = open().parts[name]
      return part === undefined ? undefined : Uint8Array.fromBase64(part)
    },
    keep: (name, bytes) => {
      const { parts } = open()
      if (Object.keys(parts).length >= MAX_PARTS) return
      parts[name] = Buffer.from(bytes).toString('base64')
      // All parts of one machine at once.
      if (!isChanged) setImmediate(write).unref()
      isChanged = true
    },
  }
}

/** Where the code is that generates. */
function ownFolders(): string[] {
  return ['@doppel/engine', '@doppel/riscv', '@doppel/wasm'].map(name =>
    dirname(fileURLToPath(import.meta.resolve(name))),
  )
}

/** The program by its version, engine, and its files' names, sizes and times: other ones may generate other code. */
function keyOf(folders: readonly string[]): string {
  const hash = createHash('sha256').update(`${VERSION} ${process.versions.v8} ${process.arch}`)
  for (const folder of folders) {
    for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
      if (!/\.[jt]s$/.test(name) || name.includes('.test.')) continue
      const { size, mtimeMs } = statSync(join(folder, name))
      hash.update(`${folder}/${name} ${size} ${mtimeMs}\n`)
    }
  }
  return hash.digest('hex').slice(0, 32)
}

/** The parts of a file that is there and whole. */
function readParts(path: string): Parts {
  let file: Uint8Array
  try {
    file = readFileSync(path)
  } catch (error) {
    if (isFileError(error)) return {}
    throw error
  }
  const content = file.subarray(HASH_BYTES)
  const isWhole = file.length > HASH_BYTES && sha256(content).equals(file.subarray(0, HASH_BYTES))
  return isWhole ? (JSON.parse(new TextDecoder().decode(content)) as Parts) : {}
}

function writeParts(folder: string, path: string, parts: Parts): void {
  const content = new TextEncoder().encode(JSON.stringify(parts))
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    mkdirSync(folder, { recursive: true })
    makeRoom(folder)
    writeFileSync(temporary, Buffer.concat([sha256(content), content]))
    renameSync(temporary, path)
  } catch (error) {
    if (!isFileError(error)) throw error
  }
}

function makeRoom(folder: string): void {
  const aged = readdirSync(folder).map(name => ({
    path: join(folder, name),
    atMs: statSync(join(folder, name)).mtimeMs,
  }))
  aged.sort((a, b) => b.atMs - a.atMs)
  for (const { path } of aged.slice(MAX_FILES - 1)) rmSync(path, { force: true })
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** An error of the file system: a cache that cannot be read or written is no reason not to run. */
function isFileError(error: unknown): boolean {
  // In a jail the cache is only read.
  return error instanceof Error && ('syscall' in error || ('code' in error && error.code === 'ERR_ACCESS_DENIED'))
}
