import { type Program, UNDEFINED_WORD } from '../program/program.ts'
import { CAUSES } from './causes.ts'
import { Heap } from './heap.ts'
import { frameSize, type Layout } from './layout.ts'
import { MachineMemory } from './memory.ts'
import type { RealStyle } from './number-text.ts'
import { PascalFile } from './pascal-file.ts'
import type { FilePort } from './ports.ts'
import { Problem } from './problem.ts'
import { type CloseOption, TitledFile } from './titled-file.ts'
import { MAX_TITLED_FILES, readTitle } from './titles.ts'

/** A file variable's first byte names its file, so there are this many at once. */
const MAX_FILES = 255

/** Program parameters that are open from the start (ISO 7185 6.10). */
const OPENED: Readonly<Record<string, 'reading' | 'writing'>> = { input: 'reading', output: 'writing' }

/** Volumes that are the console: what reading and writing them goes to. */
const CONSOLE_VOLUMES: Readonly<Record<string, readonly [read: string | undefined, written: string | undefined]>> = {
  console: ['input', 'output'],
  systerm: ['input', 'output'],
  keyboard: ['input', undefined],
  '#1': ['input', 'output'],
  '#2': ['input', 'output'],
}

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

  /** Sixtieths of a second that the clock shows, modulo 2**32. */
  ticks: () => number = () => 0
  /** IORESULT (UCSD Pascal): how the last statement of input or output ended. */
  ioResult = 0
  #fault = 0
  /** The files `input` and `output` by name, and where their variables are. */
  readonly #standard = new Map<string, number>()
  readonly #standardAddresses = new Set<number>()

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
      if (OPENED[name] === undefined) continue
      this.#standard.set(name, this.memory.byte(layout.globals + offset))
      this.#standardAddresses.add(layout.globals + offset)
    }
  }

  /** Whether a program that looks at IORESULT goes on after a problem; `isValue` where an expression had it, no statement. */
  forgives({ reason }: Problem, isValue: boolean): boolean {
    const { ioResult } = CAUSES[reason]
    if (ioResult === undefined) return false
    if (isValue) this.ioResult = ioResult
    else this.#fault ||= ioResult
    return true
  }
  /** A statement of input or output is done: the first fault in it is what IORESULT is from now on. */
  endTransfer(): void {
    this.ioResult = this.#fault
    this.#fault = 0
  }

  /** Opens a file variable by a title; `isText` as a stream of characters. */
  openTitle(address: number, title: string, isNew: boolean, isText: boolean): PascalFile {
    if (this.file(address).state !== 'closed') throw new Problem('notClosed')
    const read = readTitle(title)
    if (read === undefined) throw new Problem('fileTitle')
    const standard = read.name === '' ? CONSOLE_VOLUMES[read.volume]?.[isNew ? 1 : 0] : undefined
    if (standard !== undefined) {
      this.detach(address)
      const id = this.#standard.get(standard)
      if (id === undefined) throw new Problem('noVolume')
      this.memory.setByte(address, id)
      return this.file(address)
    }
    const { titles } = this.#port
    if (titles === undefined) throw new Problem('noVolume')
    if (this.#files.filter(open => open?.isTitled).length >= MAX_TITLED_FILES) throw new Problem('tooManyFiles')
    const file = this.file(address)
    file.openTitled(new TitledFile(titles, read, isNew), isNew, isText)
    return file
  }
  /** The console’s file of this name, whatever file variable it is bound to. */
  consoleFile(name: 'input' | 'output'): PascalFile {
    const file = this.#files[this.#standard.get(name) ?? 0]
    if (file === undefined) throw new Problem('noVolume')
    if (file.opensAs) file.openFirst()
    return file
  }
  /** Closes a file variable’s file; the console stays open for others. */
  closeFile(address: number, option: CloseOption): void {
    const file = this.file(address)
    if (this.#isAlias(address)) this.memory.setByte(address, 0)
    else file.close(option)
  }
  #isAlias(address: number): boolean {
    const id = this.memory.byte(address)
    return [...this.#standard.values()].includes(id) && !this.#standardAddresses.has(address)
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
    file.moves++
    return file
  }
  writing(address: number): PascalFile {
    const file = this.file(address)
    if (file.state !== 'writing') throw new Problem('notWriting')
    file.moves++
    return file
  }
  /** Ends a file variable. */
  detach(address: number): void {
    const id = this.memory.byte(address)
    if (this.#isAlias(address)) {
      this.memory.setByte(address, 0)
      return
    }
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
  /** Closes every file, and gives the first problem that there was with one. */
  close(): Problem | undefined {
    let problem: Problem | undefined
    for (const file of this.#files) {
      try {
        file?.close()
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        problem ??= error
      }
    }
    return problem
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
