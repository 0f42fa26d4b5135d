import { ClassReader, readI2, readU2 } from '../class-file/bytes.ts'
import { Tag } from '../class-file/constant-pool.ts'
import type { Code } from '../class-file/code.ts'
import { kindOf, type MethodDescriptor, parseMethodDescriptor, slotsOf } from '../class-file/descriptor.ts'
import type { ClassFile } from '../class-file/parse.ts'
import { instructionLength, OPCODES } from '../opcodes.ts'
import { branchTargets, endsFlow } from '../translate/blocks.ts'
import type { Method } from './classes.ts'
import { externalType } from './resolve.ts'

/** How deep an expression is spelled out, as OpenJDK does (JEP 358). */
const MAX_DETAIL = 5
/** A stack word whose source is not one instruction. */
const UNKNOWN = -1

const ARRAY_NAMES = ['int', 'long', 'float', 'double', 'object', 'byte/boolean', 'char', 'short']

/** Words as error messages shorten them. */
function shortened(text: string): string {
  return text.replaceAll('java.lang.Object', 'Object').replaceAll('java.lang.String', 'String')
}

/** Why the instruction at `offset` met null: JEP 358’s message, or null when it cannot have been that instruction. */
export function nullMessage(method: Method, offset: number): string | null {
  const code = method.code
  const file = method.owner.file
  if (!code || !file || offset < 0) return null
  return new NullAnalysis(method, file, code).message(offset)
}

class NullAnalysis {
  readonly #method: Method
  readonly #file: ClassFile
  readonly #code: Code
  readonly #stacks = new Map<number, number[]>()

  constructor(method: Method, file: ClassFile, code: Code) {
    this.#method = method
    this.#file = file
    this.#code = code
    this.#simulate()
  }

  message(at: number): string | null {
    const failed = this.#failed(at)
    if (!failed) return null
    const [action, depth] = failed
    const stack = this.#stacks.get(at)
    const source = stack?.[stack.length - 1 - depth] ?? UNKNOWN
    const op = source === UNKNOWN ? undefined : this.#code.bytes[source]
    if (op !== undefined && op >= 0xb6 && op <= 0xb9) {
      return `${action} because the return value of "${this.#methodName(source)}" is null`
    }
    const cause = this.#describe(source, MAX_DETAIL)
    return cause === undefined ? action : `${action} because "${cause}" is null`
  }

  /** What was tried, and how many words down the null is. */
  #failed(at: number): readonly [string, number] | undefined {
    const op = this.#code.bytes[at] as number
    if (op >= 0x2e && op <= 0x35) return [`Cannot load from ${ARRAY_NAMES[op - 0x2e]} array`, 1]
    if (op >= 0x4f && op <= 0x56) {
      return [`Cannot store to ${ARRAY_NAMES[op - 0x4f]} array`, op === 0x50 || op === 0x52 ? 3 : 2]
    }
    const index = readU2(this.#code.bytes, at + 1)
    switch (op) {
      case 0xbe:
        return ['Cannot read the array length', 0]
      case 0xbf:
        return ['Cannot throw exception', 0]
      case 0xc2:
        return ['Cannot enter synchronized block', 0]
      case 0xc3:
        return ['Cannot exit synchronized block', 0]
      case 0xb4:
        return [`Cannot read field "${this.#file.pool.member(index).name}"`, 0]
      case 0xb5: {
        const { name, descriptor } = this.#file.pool.member(index)
        return [`Cannot assign field "${name}"`, slotsOf(kindOf(descriptor))]
      }
      case 0xb6:
      case 0xb7:
      case 0xb9: {
        const { name, descriptor } = this.#file.pool.member(index)
        if (name === '<init>') return undefined
        return [
          `Cannot invoke "${this.#methodName(at)}"`,
          (parseMethodDescriptor(descriptor) as MethodDescriptor).slots,
        ]
      }
      default:
        return undefined
    }
  }

  #methodName(at: number): string {
    const { owner, name, descriptor } = this.#file.pool.member(readU2(this.#code.bytes, at + 1))
    const { params } = parseMethodDescriptor(descriptor) as MethodDescriptor
    return shortened(`${externalType(`L${owner};`)}.${name}(${params.map(externalType).join(', ')})`)
  }

  /** The expression that the instruction at `at` pushed; undefined when it has no name. */
  #describe(at: number, detail: number): string | undefined {
    if (at === UNKNOWN || detail === 0) return undefined
    const { bytes } = this.#code
    const op = bytes[at] as number
    if (op === 0x01) return 'null'
    if (op >= 0x02 && op <= 0x08) return String(op - 3)
    if (op === 0x10) return String(((bytes[at + 1] as number) << 24) >> 24)
    if (op === 0x11) return String(readI2(bytes, at + 1))
    if (op === 0x15 || op === 0x19) return this.#variable(bytes[at + 1] as number, at)
    if (op >= 0x1a && op <= 0x1d) return this.#variable(op - 0x1a, at)
    if (op >= 0x2a && op <= 0x2d) return this.#variable(op - 0x2a, at)
    const below = (depth: number): number => {
      const stack = this.#stacks.get(at)
      return stack?.[stack.length - 1 - depth] ?? UNKNOWN
    }
    switch (op) {
      case 0x32: {
        const array = this.#describe(below(1), detail - 1) ?? '<array>'
        return `${array}[${this.#describe(below(0), detail - 1) ?? '...'}]`
      }
      case 0xb2: {
        const { owner, name } = this.#file.pool.member(readU2(bytes, at + 1))
        return shortened(`${externalType(`L${owner};`)}.${name}`)
      }
      case 0xb4: {
        const { name } = this.#file.pool.member(readU2(bytes, at + 1))
        const object = this.#describe(below(0), detail - 1)
        return object === undefined ? name : `${object}.${name}`
      }
      case 0xb6:
      case 0xb7:
      case 0xb8:
      case 0xb9:
        return this.#methodName(at)
      default:
        return undefined
    }
  }

  #variable(index: number, at: number): string {
    for (const attribute of this.#code.attributes) {
      if (attribute.name !== 'LocalVariableTable') continue
      const reader = new ClassReader(this.#file.bytes, attribute.start, attribute.start + attribute.length)
      for (let count = reader.u2(); count > 0; count--) {
        const [start, length, name] = [reader.u2(), reader.u2(), reader.u2()]
        reader.u2()
        if (reader.u2() === index && at >= start && at < start + length) return this.#file.pool.utf8(name)
      }
    }
    if (!this.#method.isStatic && index === 0) return 'this'
    let slot = this.#method.isStatic ? 0 : 1
    for (const [i, kind] of this.#method.descriptor.kinds.entries()) {
      if (slot === index) return `<parameter${i + 1}>`
      slot += slotsOf(kind)
    }
    return `<local${index}>`
  }

  /** Which instruction pushed each word of the stack, before each instruction. */
  #simulate(): void {
    const { bytes, handlers } = this.#code
    const open: (readonly [number, number[]])[] = [
      [0, []],
      ...handlers.map((h): readonly [number, number[]] => [h.target, [UNKNOWN]]),
    ]
    while (open.length > 0) {
      let [at, stack] = open.pop() as readonly [number, number[]]
      for (;;) {
        const known = this.#stacks.get(at)
        if (known) {
          const merged = known.map((source, i) => (source === stack[i] ? source : UNKNOWN))
          if (merged.every((source, i) => source === known[i])) break
          stack = merged
        }
        this.#stacks.set(at, stack)
        const length = instructionLength(bytes, at)
        if (length === 0) return
        const after = this.#after(at, stack)
        for (const to of branchTargets(bytes, at) ?? []) open.push([to, after])
        if (endsFlow(bytes[at] as number) || at + length >= bytes.length) break
        at += length
        stack = after
      }
    }
  }
  #after(at: number, stack: readonly number[]): number[] {
    const { bytes } = this.#code
    const op = bytes[at] as number
    if (op >= 0x57 && op <= 0x5f) return shuffled(op, stack)
    // checkcast leaves what it looked at.
    if (op === 0xc0) return stack.slice()
    const [pops, pushes] = this.#words(at, op)
    return [...stack.slice(0, stack.length - pops), ...Array.from({ length: pushes }, () => at)]
  }
  /** Words an instruction takes and gives. */
  #words(at: number, op: number): readonly [number, number] {
    const { bytes } = this.#code
    const { pool } = this.#file
    const index = readU2(bytes, at + 1)
    const words = (descriptor: string): number => slotsOf(kindOf(descriptor))
    if (op === 0x12) return [0, 1]
    if (op === 0x13) return [0, 1]
    if (op === 0x14) return [0, 2]
    if (op === 0xb2) return [0, words(pool.member(index).descriptor)]
    if (op === 0xb3) return [words(pool.member(index).descriptor), 0]
    if (op === 0xb4) return [1, words(pool.member(index).descriptor)]
    if (op === 0xb5) return [1 + words(pool.member(index).descriptor), 0]
    if (op >= 0xb6 && op <= 0xba) {
      const text =
        pool.tag(index) === Tag.invokeDynamic ? pool.dynamic(index).descriptor : pool.member(index).descriptor
      const descriptor = parseMethodDescriptor(text) as MethodDescriptor
      return [descriptor.slots + (op === 0xb8 || op === 0xba ? 0 : 1), slotsOf(descriptor.resultKind)]
    }
    if (op === 0xc5) return [bytes[at + 3] as number, 1]
    if (op === 0xc4) {
      const inner = bytes[at + 1] as number
      return inner === 0x84 ? [0, 0] : this.#words(at + 1, inner)
    }
    const [left = '', right = ''] = (OPCODES[op]?.effect ?? '').split('->')
    const count = (side: string): number =>
      side
        .trim()
        .split(' ')
        .filter(Boolean)
        .reduce((sum, kind) => sum + (kind === 'J' || kind === 'D' ? 2 : 1), 0)
    return [count(left), count(right)]
  }
}

/** The stack after a pop, dup or swap form, word by word. */
function shuffled(op: number, stack: readonly number[]): number[] {
  const top = (n: number): number[] => stack.slice(stack.length - n)
  const rest = (n: number): number[] => stack.slice(0, stack.length - n)
  switch (op) {
    case 0x57:
      return rest(1)
    case 0x58:
      return rest(2)
    case 0x59:
    case 0x5a:
    case 0x5b: {
      const under = op - 0x59
      const [beneath, one] = [top(under + 1).slice(0, under), top(1)]
      return [...rest(under + 1), ...one, ...beneath, ...one]
    }
    case 0x5c:
    case 0x5d:
    case 0x5e: {
      const under = op - 0x5c
      const [beneath, two] = [top(under + 2).slice(0, under), top(2)]
      return [...rest(under + 2), ...two, ...beneath, ...two]
    }
    default:
      return [...rest(2), ...top(1), ...top(2).slice(0, 1)]
  }
}
