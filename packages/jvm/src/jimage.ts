import { DoppelError, utf8Bytes } from '@doppel/base'

const MAGIC = 0xcafedada
const HASH_MULTIPLIER = 0x01000193
const HEADER_BYTES = 28
/** Kinds of location attributes, in the order of the format. */
const [END, MODULE, PARENT, BASE, EXTENSION, OFFSET, COMPRESSED, UNCOMPRESSED] = [0, 1, 2, 3, 4, 5, 6, 7] as const

/** Where a resource stands in the image. */
interface Location {
  readonly path: string
  readonly offset: number
  readonly sizeBytes: number
}

/** An image’s bytes, read where they are wanted: of its hundred megabytes a program needs a few. */
export interface ImageBytes {
  readonly sizeBytes: number
  /** These bytes, all of which are there. */
  read(from: number, count: number): Uint8Array
}

/**
 * OpenJDK’s run-time image, `lib/modules` (JEP 220; format of libjimage): every class and resource of the platform,
 * found through a perfect hash.
 */
export class RuntimeImage {
  readonly #source: ImageBytes
  /** The header and the tables after it. */
  readonly #tables: Uint8Array
  readonly #view: DataView
  readonly #tableLength: number
  readonly #little: boolean
  readonly #redirects: number
  readonly #offsets: number
  readonly #locations: number
  readonly #strings: number
  readonly #index: number
  readonly #modules = new Map<string, string | undefined>()

  /** Throws `jvm.jimage` when the bytes are no image. */
  constructor(source: ImageBytes) {
    this.#source = source
    if (source.sizeBytes < HEADER_BYTES) throw bad('it is too short')
    const header = viewOf(source.read(0, HEADER_BYTES))
    this.#little = header.getUint32(0, true) === MAGIC
    if (!this.#little && header.getUint32(0) !== MAGIC) throw bad('its magic number is not 0xCAFEDADA')
    const field = (i: number): number => header.getUint32(i * 4, this.#little)
    if (field(1) !== 1 << 16) throw bad(`its version is ${field(1) >>> 16}.${field(1) & 0xffff}, not 1.0`)
    this.#tableLength = field(4)
    this.#redirects = HEADER_BYTES
    this.#offsets = this.#redirects + this.#tableLength * 4
    this.#locations = this.#offsets + this.#tableLength * 4
    this.#strings = this.#locations + field(5)
    this.#index = this.#strings + field(6)
    if (this.#index > source.sizeBytes || this.#tableLength === 0) throw bad('its tables reach past its end')
    this.#tables = source.read(0, this.#index)
    this.#view = viewOf(this.#tables)
  }

  /** The bytes of a resource such as `/java.base/java/lang/Object.class`; undefined when there is none. */
  find(path: string): Uint8Array | undefined {
    const location = this.#locate(path)
    if (!location) return undefined
    const from = this.#index + location.offset
    if (from + location.sizeBytes > this.#source.sizeBytes) throw bad(`${path} reaches past its end`)
    return this.#source.read(from, location.sizeBytes)
  }

  /** The bytes of the class with this internal name. */
  findClass(name: string): Uint8Array | undefined {
    const module = this.moduleOf(name.slice(0, Math.max(0, name.lastIndexOf('/'))))
    return module === undefined ? undefined : this.find(`/${module}/${name}.class`)
  }

  /** The module that contains a package, given with slashes. */
  moduleOf(packageName: string): string | undefined {
    if (this.#modules.has(packageName)) return this.#modules.get(packageName)
    const entry = this.find(`/packages/${packageName.replaceAll('/', '.')}`)
    let module: string | undefined
    // Pairs of a flag (the package is empty in that module) and the module's name.
    for (let at = 0; entry && at + 8 <= entry.length && module === undefined; at += 8) {
      const view = new DataView(entry.buffer, entry.byteOffset + at, 8)
      if (view.getUint32(0, this.#little) === 0) module = this.#string(view.getUint32(4, this.#little))
    }
    this.#modules.set(packageName, module)
    return module
  }

  /** The paths of every resource. */
  *paths(): Iterable<string> {
    for (let i = 0; i < this.#tableLength; i++) {
      const location = this.#locationAt(i)
      if (location) yield location.path
    }
  }

  #locate(path: string): Location | undefined {
    const bytes = utf8Bytes(path)
    const redirect = this.#view.getInt32(
      this.#redirects + (hash(bytes, HASH_MULTIPLIER) % this.#tableLength) * 4,
      this.#little,
    )
    if (redirect === 0) return undefined
    const slot = redirect < 0 ? -1 - redirect : hash(bytes, redirect) % this.#tableLength
    const location = slot < this.#tableLength ? this.#locationAt(slot) : undefined
    return location?.path === path ? location : undefined
  }

  #locationAt(slot: number): Location | undefined {
    let at = this.#locations + this.#view.getUint32(this.#offsets + slot * 4, this.#little)
    const values = [0, 0, 0, 0, 0, 0, 0, 0]
    for (;;) {
      const head = this.#tables[at++]
      if (head === undefined) throw bad('a location reaches past its end')
      const kind = head >>> 3
      if (kind === END) break
      if (kind > UNCOMPRESSED) throw bad(`a location has an attribute of kind ${kind}`)
      let value = 0
      for (let length = (head & 7) + 1; length > 0; length--) value = value * 256 + (this.#tables[at++] ?? 0)
      values[kind] = value
    }
    if ((values[COMPRESSED] as number) !== 0) throw bad('it is compressed; expected one that is not')
    const sizeBytes = values[UNCOMPRESSED] as number
    const text = (kind: number): string => this.#string(values[kind] as number)
    const module = text(MODULE)
    const parent = text(PARENT)
    const extension = text(EXTENSION)
    const path = `${module && `/${module}/`}${parent && `${parent}/`}${text(BASE)}${extension && `.${extension}`}`
    return { path, offset: values[OFFSET] as number, sizeBytes }
  }

  #string(offset: number): string {
    const from = this.#strings + offset
    let end = from
    while (end < this.#tables.length && this.#tables[end] !== 0) end++
    return String.fromCharCode.apply(null, this.#tables.subarray(from, end) as unknown as number[])
  }
}

/** An image that is in memory as a whole. */
export function imageInMemory(bytes: Uint8Array): ImageBytes {
  return { sizeBytes: bytes.length, read: (from, count) => bytes.subarray(from, from + count) }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function hash(bytes: Uint8Array, seed: number): number {
  let value = seed
  for (let i = 0; i < bytes.length; i++) value = Math.imul(value, HASH_MULTIPLIER) ^ (bytes[i] as number)
  return value & 0x7fffffff
}

function bad(why: string): DoppelError {
  return new DoppelError('jvm.jimage', `the run-time image cannot be used: ${why}; expected OpenJDK's lib/modules`)
}
