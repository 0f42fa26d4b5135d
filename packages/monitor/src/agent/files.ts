import { DoppelError } from '@doppel/base'
import type { GuestAgent } from './agent.ts'
import { shellQuote } from './shell-code.ts'

/** A file, folder or other thing in a guest's file system. */
export interface GuestFile {
  readonly name: string
  readonly path: string
  readonly type: 'file' | 'folder' | 'link' | 'other'
  readonly sizeBytes: number
  /** Permission bits. */
  readonly mode: number
  /** Milliseconds since 1970; whole seconds. */
  readonly modifiedMs: number
  readonly uid: number
  readonly gid: number
}

/** One change that `watchDir` saw. */
export interface GuestFileEvent {
  readonly type: 'created' | 'changed' | 'removed'
  readonly name: string
}

/** What the scripts below say by their status. */
const STATUS = { notFound: 101, isFolder: 102, notFolder: 103, notAllowed: 104, exists: 105, failed: 1 } as const
/** Longest answer of a listing or file read into memory. */
const MAX_READ_BYTES = 1024 * 1024 * 1024
const DEFAULT_WATCH_MS = 250
const TIMEOUT_MS = 120_000

const CHECKS = `
missing() { [ ! -e "$f" ] && [ ! -L "$f" ] && exit ${STATUS.notFound}; }
`
/** mode, size, time, owner, group, name: a name has no slash, so slashes end fields. */
const STAT_FORMAT = "'%f %s %Y %u %g/%n/'"

/** Files in a guest, over its agent. Paths are absolute, or relative to `/`. */
export class GuestFiles {
  readonly #agent: GuestAgent

  constructor(agent: GuestAgent) {
    this.#agent = agent
  }

  /** A file's bytes. Throws `files.not-found`, `files.is-folder`, `files.denied`. */
  async read(path: string): Promise<Uint8Array> {
    return await this.#run(
      path,
      `missing; [ -d "$f" ] && exit ${STATUS.isFolder}; [ -r "$f" ] || exit ${STATUS.notAllowed}; exec cat "$f"`,
    )
  }
  /** A file's text, UTF-8. Throws as `read` does. */
  async readText(path: string): Promise<string> {
    return new TextDecoder().decode(await this.read(path))
  }
  /** Writes a whole file, and the folders above it. Throws `files.is-folder`, `files.denied`, `files.no-space`. */
  async write(path: string, contents: string | Uint8Array): Promise<void> {
    const bytes = typeof contents === 'string' ? new TextEncoder().encode(contents) : contents
    await this.#run(
      path,
      `[ -d "$f" ] && exit ${STATUS.isFolder}; d=\${f%/*}; [ -z "$d" ] || mkdir -p "$d" || exit; exec cat >"$f"`,
      bytes,
    )
  }
  /** What is in a folder, by name. Throws `files.not-found`, `files.not-folder`, `files.denied`. */
  async list(path: string): Promise<GuestFile[]> {
    const folder = absolute(path)
    const answer = await this.#run(
      path,
      `missing; [ -d "$f" ] || exit ${STATUS.notFolder}; cd "$f" 2>/dev/null && [ -r . ] || exit ${STATUS.notAllowed}
       find . -maxdepth 1 -mindepth 1 -print0 | xargs -0 -r stat -c ${STAT_FORMAT}`,
    )
    return parseStats(answer, folder === '/' ? '/' : `${folder}/`).sort((a, b) => (a.name < b.name ? -1 : 1))
  }
  /** One thing's attributes. Throws `files.not-found`. */
  async stat(path: string): Promise<GuestFile> {
    const full = absolute(path)
    const script = `missing; cd "\${f%/*}/" && stat -c ${STAT_FORMAT} "./\${f##*/}"`
    const [found] = parseStats(await this.#run(path, script), full.slice(0, full.lastIndexOf('/') + 1))
    if (!found) throw new DoppelError('files.failed', `${full}: the guest's stat has an answer of its own`, { path })
    return found
  }
  /** Whether there is something at this path. */
  async exists(path: string): Promise<boolean> {
    try {
      await this.#run(path, 'missing; exit 0')
      return true
    } catch (error) {
      if (error instanceof DoppelError && error.code === 'files.not-found') return false
      throw error
    }
  }
  /** Makes a folder and those above it; one that is there is as good. Throws `files.exists`, `files.denied`. */
  async makeDir(path: string): Promise<void> {
    await this.#run(path, `[ -e "$f" ] && [ ! -d "$f" ] && exit ${STATUS.exists}; exec mkdir -p "$f"`)
  }
  /** Removes a file, or a folder and all in it. Throws `files.not-found`, `files.denied`. */
  async remove(path: string): Promise<void> {
    await this.#run(path, 'missing; exec rm -r -f "$f"')
  }
  /** Renames or moves. Throws `files.not-found`, `files.denied`. */
  async rename(from: string, to: string): Promise<void> {
    await this.#run(from, `missing; exec mv -f "$f" ${shellQuote(absolute(to))}`)
  }

  /**
   * Tells of changes in a folder, looking every `intervalMs`, until `stop` is called; `onError` gets what makes an end
   * of it. Throws what `list` throws.
   */
  async watchDir(
    path: string,
    onEvent: (event: GuestFileEvent) => void,
    options: { readonly intervalMs?: number; readonly onError?: (error: unknown) => void } = {},
  ): Promise<{ stop(): void }> {
    let before = new Map((await this.list(path)).map(file => [file.name, file]))
    let timer: ReturnType<typeof setTimeout> | undefined
    let stopped = false
    const look = async (): Promise<void> => {
      const now = new Map((await this.list(path)).map(file => [file.name, file]))
      if (stopped) return
      for (const event of changes(before, now)) onEvent(event)
      before = now
      schedule()
    }
    const schedule = (): void => {
      timer = setTimeout(() => {
        look().catch((error: unknown) => (stopped ? undefined : options.onError?.(error)))
      }, options.intervalMs ?? DEFAULT_WATCH_MS)
    }
    schedule()
    return {
      stop: () => {
        stopped = true
        clearTimeout(timer)
      },
    }
  }

  async #run(path: string, script: string, input?: Uint8Array): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let lengthBytes = 0
    let errors = ''
    const running = await this.#agent.start({
      code: `f=${shellQuote(absolute(path))}${CHECKS}${script}`,
      stdin: input !== undefined,
      onStdout: bytes => {
        lengthBytes += bytes.length
        if (lengthBytes <= MAX_READ_BYTES) parts.push(bytes)
        else running.kill()
      },
      onStderr: bytes => {
        errors = (errors + new TextDecoder().decode(bytes)).slice(-1000)
      },
    })
    const timer = setTimeout(() => running.kill(), TIMEOUT_MS)
    try {
      if (input) {
        await running.sendStdin(input)
        running.closeStdin()
      }
      const { exitCode } = await running.wait()
      if (exitCode !== 0) throw failure(absolute(path), exitCode, errors)
    } finally {
      clearTimeout(timer)
    }
    return joined(parts, lengthBytes)
  }
}

function absolute(path: string): string {
  const full = path.startsWith('/') ? path : `/${path}`
  return full.length > 1 ? full.replace(/\/+$/, '') || '/' : full
}

function joined(parts: readonly Uint8Array[], lengthBytes: number): Uint8Array {
  const all = new Uint8Array(lengthBytes)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function failure(path: string, status: number, errors: string): DoppelError {
  const details = { path, status }
  const make = (code: string, text: string): DoppelError =>
    new DoppelError(`files.${code}`, `${path}: ${text}`, details)
  if (status === STATUS.notFound) return make('not-found', 'there is no such file or folder in the guest')
  if (status === STATUS.isFolder) return make('is-folder', 'is a folder in the guest; expected a file')
  if (status === STATUS.notFolder) return make('not-folder', 'is no folder in the guest')
  if (status === STATUS.exists) return make('exists', 'is there already and is no folder')
  // Programs say why only in words; these are the C library's (POSIX strerror, C locale).
  if (/no space left on device|disk quota/i.test(errors)) return make('no-space', "the guest's disk is full")
  if (status === STATUS.notAllowed || /permission denied|read-only file system|not permitted/i.test(errors)) {
    return make('denied', 'the guest does not allow it')
  }
  return make('failed', `the guest failed (${status}): ${errors.trim() || 'it did not say why'}`)
}

const S_IFMT = 0xf000
const TYPES: Readonly<Record<number, GuestFile['type']>> = { 0x8000: 'file', 0x4000: 'folder', 0xa000: 'link' }

function parseStats(answer: Uint8Array, prefix: string): GuestFile[] {
  const text = new TextDecoder().decode(answer)
  const record = /([0-9a-f]+) (\d+) (\d+) (\d+) (\d+)\/\.\/([^/]*)\/\n/gy
  return [...text.matchAll(record)].map(match => {
    const bits = Number.parseInt(match[1] ?? '', 16)
    const name = match[6] ?? ''
    return {
      name,
      path: prefix + name,
      type: TYPES[bits & S_IFMT] ?? 'other',
      sizeBytes: Number(match[2]),
      mode: bits & 0o7777,
      modifiedMs: Number(match[3]) * 1000,
      uid: Number(match[4]),
      gid: Number(match[5]),
    }
  })
}

function* changes(
  before: ReadonlyMap<string, GuestFile>,
  now: ReadonlyMap<string, GuestFile>,
): Generator<GuestFileEvent> {
  for (const [name, file] of now) {
    const old = before.get(name)
    if (!old) yield { type: 'created', name }
    else if (old.modifiedMs !== file.modifiedMs || old.sizeBytes !== file.sizeBytes || old.mode !== file.mode) {
      yield { type: 'changed', name }
    }
  }
  for (const name of before.keys()) if (!now.has(name)) yield { type: 'removed', name }
}
