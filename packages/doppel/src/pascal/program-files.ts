import { closeSync, openSync, read, readSync, statSync, writeSync } from 'node:fs'
import { DoppelError } from '@doppel/base'
import { type FilePort, type InputStream, opensTitles, type OutputStream, type Program } from '@doppel/pcode'
import { titledFiles } from './titled-files.ts'

const CHUNK_BYTES = 1 << 16
const STDIN = 0
const STDOUT = 1
/** How long to wait where a descriptor says that it would have to. */
const RETRY_MS = 5

/** Reads what was bound to program parameters: `name=file`. Throws `pascal.binding` for what is not of this form. */
export function readBindings(words: readonly string[]): ReadonlyMap<string, string> {
  const bindings = new Map<string, string>()
  for (const word of words) {
    const equal = word.indexOf('=')
    if (equal <= 0) {
      throw new DoppelError('pascal.binding', `'${word}' binds no program parameter; expected name=file`, { word })
    }
    bindings.set(word.slice(0, equal).toLowerCase(), word.slice(equal + 1))
  }
  return bindings
}

/** Sees to it that every file of the program is bound, and every binding is to a file of it. Throws `pascal.binding`. */
export function checkBindings(program: Program, bindings: ReadonlyMap<string, string>): void {
  const names = program.files.map(({ name }) => name)
  const mayBeTitles = opensTitles(program)
  for (const name of bindings.keys()) {
    if (names.includes(name) || mayBeTitles) continue
    const known = names.length === 0 ? 'it has none' : `its files are ${names.join(', ')}`
    throw new DoppelError(
      'pascal.binding',
      `${program.name} has no program parameter ${name} that is a file; ${known}`,
      { name },
    )
  }
  const needed = program.files.filter(file => file.opened === undefined).map(({ name }) => name)
  const open = needed.find(name => name !== 'input' && name !== 'output' && !bindings.has(name))
  if (open !== undefined) {
    throw new DoppelError('pascal.binding', `${program.name} needs a file for ${open}: add ${open}=FILE`, {
      name: open,
    })
  }
}

/** Streams in place of this process's own. */
export interface StandardStreams {
  readonly input: InputStream
  readonly output: OutputStream
}

/**
 * This computer's files as a program's parameters see them (ISO 7185 §6.10): `input` and `output` are the standard
 * streams unless they are bound otherwise. Rejects a wait for input when the signal is aborted.
 */
export function programFiles(
  bindings: ReadonlyMap<string, string>,
  signal: AbortSignal,
  standard?: StandardStreams,
): FilePort {
  return {
    titles: titledFiles(bindings),
    reset(name) {
      const path = bindings.get(name)
      if (path === undefined) return name === 'input' ? (standard?.input ?? inputOf(STDIN, signal, false)) : undefined
      return openInput(path, signal)
    },
    rewrite(name) {
      const path = bindings.get(name)
      if (path === undefined && name === 'output') return standard?.output ?? outputOf(STDOUT, false)
      if (path === undefined) throw new DoppelError('pascal.binding', `no file is bound to ${name}`, { name })
      return outputOf(open(path, 'w'), true)
    },
  }
}

function open(path: string, mode: 'r' | 'w'): number {
  try {
    return openSync(path, mode)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const what = mode === 'r' ? 'read' : 'written'
    throw new DoppelError('pascal.file', `${path} cannot be ${what} (${code})`, { path, code }, cause)
  }
}

function openInput(path: string, signal: AbortSignal): InputStream | undefined {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  return inputOf(open(path, 'r'), signal, true)
}

/** Regular files are read at once; what may keep a program waiting is read beside it. */
function inputOf(descriptor: number, signal: AbortSignal, closes: boolean): InputStream {
  const waits = !statFile(descriptor)
  const buffer = new Uint8Array(CHUNK_BYTES)
  return {
    read() {
      if (waits) return readWaiting(descriptor, buffer, signal)
      const length = readSync(descriptor, buffer)
      return length === 0 ? undefined : buffer.slice(0, length)
    },
    close: () => {
      if (closes) closeSync(descriptor)
    },
  }
}

function statFile(descriptor: number): boolean {
  // A closed standard input is an empty one.
  const status = descriptor === STDIN ? statSync('/dev/stdin', { throwIfNoEntry: false }) : undefined
  return descriptor !== STDIN || status?.isFile() === true
}

function readWaiting(descriptor: number, buffer: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    const once = (): void =>
      read(descriptor, buffer, 0, buffer.length, null, (error, length) => {
        if (error?.code === 'EAGAIN') {
          setTimeout(once, RETRY_MS)
          return
        }
        signal.removeEventListener('abort', abort)
        if (error && error.code !== 'EOF') reject(error)
        else resolve(error || length === 0 ? undefined : buffer.slice(0, length))
      })
    once()
  })
}

function outputOf(descriptor: number, closes: boolean): OutputStream {
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) at += writeSome(descriptor, bytes, at)
    },
    close: () => {
      if (closes) closeSync(descriptor)
    },
  }
}

/** Bytes written; 0 where the other end must read first. */
function writeSome(descriptor: number, bytes: Uint8Array, at: number): number {
  try {
    return writeSync(descriptor, bytes, at)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EAGAIN') return 0
    // A reader that goes away (`doppel run … | head`) ends the program quietly, as the shell expects.
    if (code === 'EPIPE' && descriptor === STDOUT) process.exit(0)
    throw error
  }
}
