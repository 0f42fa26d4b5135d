import { type Program, UNDEFINED_WORD } from '../program/program.ts'
import { Heap } from './heap.ts'
import { frameSize, type Layout } from './layout.ts'
import { MachineMemory } from './memory.ts'
import type { RealStyle } from './number-text.ts'
import { PascalFile } from './pascal-file.ts'
import type { FilePort } from './ports.ts'
import { Problem } from './problem.ts'

/** A file variable's first byte names its file, so there are this many at once. */
const MAX_FILES = 255

/** Program parameters that are open from the start (ISO 7185 6.10). */
const OPENED: Readonly<Record<string, 'reading' | 'writing'>> = { input: 'reading', output: 'writing' }

/** What standard procedures work on: memory, heap, files. One for each run of a program. */
export class Runtime {
  readonly memory: MachineMemory
  readonly heap: Heap
  readonly program: Program
  readonly layout: Layout
  readonly realStyle: RealStyle
  readonly #port: FilePort
  readonly #files: (PascalFile | undefined)[] = [undefined]
  readonly #free: number[] = []
  /** Variables that a `var` parameter or `with` refers to now: first and last address (P5's vbs, wbs). */
  readonly references: { readonly first: number; readonly last: number }[] = []

  /** The tags of variables made with some, by address; and tags pushed for the next. */
  readonly tags: Map<number, readonly number[]> = new Map()
  readonly pushedTags: number[] = []
  /** Heap variables in the order in which they were made, where a program marks and releases. */
  readonly allocated: number[] = []

  constructor(program: Program, layout: Layout, files: FilePort, realStyle: RealStyle) {
    this.program = program
    this.layout = layout
    this.realStyle = realStyle
    this.#port = files
    this.memory = new MachineMemory(layout.heapBase, layout.limit)
    this.heap = new Heap(this.memory, layout.heapState, layout.limit, program.undefined)
    this.memory.bytes.set(program.constants, layout.constants)
    const mainBytes = program.routines[0]?.frameBytes ?? 0
    // Globals, and the main program's frame right after them: the stack begins with it.
    if (program.undefined)
      this.memory.fill(layout.globals, layout.stack + frameSize(mainBytes) - layout.globals, UNDEFINED_WORD)
    for (const { name, offset } of program.files) this.attach(layout.globals + offset, name)
    for (const { name, offset, opened } of program.files) {
      const file = this.#files[this.memory.byte(layout.globals + offset)]
      if (file) file.opensAs = opened ?? OPENED[name]
    }
  }

  /** Gives a file variable a file: that of a program parameter, or one of its own. */
  attach(address: number, parameter?: string): PascalFile {
    const id = this.#free.pop() ?? this.#files.length
    if (id > MAX_FILES) throw new Problem('tooManyFiles')
    const file = parameter === undefined ? new PascalFile('') : new PascalFile(parameter, this.#port)
    this.#files[id] = file
    this.memory.setByte(address, id)
    return file
  }
  /** The file of a file variable; one that was never used gets its file now. */
  file(address: number): PascalFile {
    const id = this.memory.byte(address)
    if (id === 0) return this.attach(address)
    const file = this.#files[id]
    if (!file) throw new Problem('notOpen')
    if (file.opensAs) file.openFirst()
    return file
  }
  /** What a file variable's file is doing; nothing is opened by asking. */
  fileState(address: number): PascalFile['state'] {
    return this.#files[this.memory.byte(address)]?.state ?? 'closed'
  }
  reading(address: number): PascalFile {
    const file = this.file(address)
    if (file.state !== 'reading') throw new Problem('notReading')
    return file
  }
  writing(address: number): PascalFile {
    const file = this.file(address)
    if (file.state !== 'writing') throw new Problem('notWriting')
    return file
  }
  /** Ends a file variable. */
  detach(address: number): void {
    const id = this.memory.byte(address)
    this.#files[id]?.close()
    if (id === 0 || !this.#files[id]) return
    this.#files[id] = undefined
    this.#free.push(id)
    this.memory.setByte(address, 0)
  }
  /** Hands on all output, so that what a program asked can be seen before it waits for the answer. */
  flush(): void {
    for (const file of this.#files) if (file?.state === 'writing') file.flush()
  }
  /** Closes every file. */
  close(): void {
    for (const file of this.#files) file?.close()
  }
  /** Where the buffer variable of a file variable stands. */
  buffer(address: number): number {
    return address + this.program.fileIdBytes
  }
  /** Whether an area overlaps one that something refers to. */
  isReferred(first: number, last: number): boolean {
    return this.references.some(r => r.first >= first && r.last <= last)
  }
}
