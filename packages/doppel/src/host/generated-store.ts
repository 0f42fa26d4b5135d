import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GeneratedStore, keepGenerated } from '@doppel/engine'
import { cacheFolder } from '@doppel/images'
import { VERSION } from '../cli/version.ts'
import { isFileError } from './file-error.ts'
import { codeFolders, codeIn } from './own-code.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Parts = Record<string, string>

/** The packages whose code generates. */
const MAKERS = ['@doppel/engine', '@doppel/riscv', '@doppel/wasm']
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
export function generatedStore(env: Environment, makers: readonly string[] = codeFolders(MAKERS)): GeneratedStore {
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

/** The program by its version, engine and code. */
function keyOf(folders: readonly string[]): string {
  const hash = createHash('sha256').update(`${VERSION} ${process.versions.v8} ${process.arch}\n${codeIn(folders)}`)
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
