import {
  AT,
  compute,
  type DwarfEntry,
  type ExpressionContext,
  type FrameRules,
  locate,
  locationsOf,
  nameOf,
  type RegisterRule,
  TAG,
} from '@doppel/base'
import type { CodeIndex } from './code-index.ts'
import type { ActiveFunction } from './code-scopes.ts'
import { constantDatum, type DataAccess, type Datum, datumOf } from './guest-data.ts'
import { guestTypeOf } from './guest-types.ts'

/** A call's registers; of a caller's, what it will have when it goes on. */
export interface FrameRegisters {
  readonly pc: bigint
  /** By the numbers that the architecture has given them for DWARF; undefined for what nobody has saved. */
  register(number: number): bigint | undefined
}
/** A caller that was found otherwise than by call frame information. */
export interface FoundCaller extends FrameRegisters {
  /** It was interrupted where it is; others are behind their calls. */
  readonly isTrapped: boolean
}

/** What is asked of the machine, for one of its threads. */
export interface FrameMachine {
  readonly stackPointer: number
  readonly now: FrameRegisters
  readMemory(address: bigint, lengthBytes: number): Uint8Array | undefined
  writeMemory(address: bigint, bytes: Uint8Array): boolean
  writeRegister(number: number, value: bigint): boolean
  /** The caller of code that no call frame information tells of. */
  callerOf(frame: FrameRegisters, isInnermost: boolean): FoundCaller | undefined
}

const MAX_FRAMES = 512
const WORD_BYTES = 8

/** One activation of machine code; of it may be several functions, put into one another. */
export class MachineFrame implements FrameRegisters {
  readonly pc: bigint
  /** An address in the instruction that it is at, or that calls. */
  readonly place: bigint
  readonly registers: FrameRegisters
  readonly isInnermost: boolean
  readonly #index: CodeIndex
  readonly #machine: FrameMachine
  readonly #rules: FrameRules | undefined
  readonly #cfa: bigint | undefined
  #caller: { readonly frame: MachineFrame | undefined } | undefined

  constructor(
    index: CodeIndex,
    machine: FrameMachine,
    registers: FrameRegisters,
    { isInnermost, isExact }: { readonly isInnermost: boolean; readonly isExact: boolean },
  ) {
    this.#index = index
    this.#machine = machine
    this.registers = registers
    this.isInnermost = isInnermost
    this.pc = registers.pc
    this.place = isExact ? registers.pc : registers.pc - 1n
    this.#rules = index.framesAt(this.place)
    this.#cfa = this.#rules && this.#frameAddress(this.#rules)
  }
  /** The canonical frame address: the stack pointer before the call; undefined where nothing tells. */
  get cfa(): bigint | undefined {
    return this.#cfa
  }
  register(number: number): bigint | undefined {
    return this.registers.register(number)
  }
  get functions(): readonly ActiveFunction[] {
    return this.#index.functionsAt(this.place)
  }
  #frameAddress({ cfa }: FrameRules): bigint | undefined {
    if ('expression' in cfa) return compute(cfa.expression, this.#plainContext())
    const base = this.register(cfa.register)
    return base === undefined ? undefined : BigInt.asUintN(64, base + cfa.offset)
  }
  #plainContext(): ExpressionContext {
    return {
      register: n => this.register(n),
      readMemory: (at, length) => this.#machine.readMemory(at, length),
      moved: 0n,
    }
  }

  /** The frame that called; undefined at the end of the stack. */
  get caller(): MachineFrame | undefined {
    return (this.#caller ??= { frame: this.#findCaller() }).frame
  }
  #findCaller(): MachineFrame | undefined {
    const rules = this.#rules
    const found = rules && this.#cfa !== undefined ? this.#byRules(rules, this.#cfa) : undefined
    const other = rules ? undefined : this.#machine.callerOf(this.registers, this.isInnermost)
    const registers = found ?? other
    if (!registers || registers.pc === 0n) return undefined
    const isExact = other?.isTrapped ?? rules?.isSignal ?? false
    const frame = new MachineFrame(this.#index, this.#machine, registers, { isInnermost: false, isExact })
    // A stack goes up; one that does not is no stack.
    const [own, next] = [this.register(this.#machine.stackPointer), frame.register(this.#machine.stackPointer)]
    const isSame = frame.pc === this.pc && own === next
    return isSame || (!isExact && own !== undefined && next !== undefined && next < own) ? undefined : frame
  }
  #byRules({ registers: rules, returnRegister }: FrameRules, cfa: bigint): FrameRegisters | undefined {
    const own = this.registers
    const values = new Map<number, bigint | undefined>()
    const register = (number: number): bigint | undefined => {
      if (!values.has(number)) values.set(number, this.#saved(rules.get(number), number, cfa))
      return values.get(number)
    }
    if (rules.get(returnRegister)?.kind === 'undefined') return undefined
    const pc = register(returnRegister)
    return pc === undefined || own.pc === undefined ? undefined : { pc: pc & ~1n, register }
  }
  #saved(rule: RegisterRule | undefined, number: number, cfa: bigint): bigint | undefined {
    switch (rule?.kind) {
      case undefined:
        // Others keep what they have: by the calling convention, or as debuggers have always had it.
        return number === this.#machine.stackPointer ? cfa : this.register(number)
      case 'same':
        return this.register(number)
      case 'saved':
        return this.#long(cfa + rule.offset)
      case 'offset':
        return BigInt.asUintN(64, cfa + rule.offset)
      case 'register':
        return this.register(rule.register)
      case 'savedBy': {
        const at = compute(rule.expression, this.#plainContext(), [cfa])
        return at === undefined ? undefined : this.#long(at)
      }
      case 'computed':
        return compute(rule.expression, this.#plainContext(), [cfa])
      case 'undefined':
        return undefined
    }
  }
  #long(address: bigint): bigint | undefined {
    const bytes = this.#machine.readMemory(BigInt.asUintN(64, address), WORD_BYTES)
    if (bytes?.length !== WORD_BYTES) return undefined
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  }

  /** A variable of one of the frame's functions, or one outside of all functions. Throws `dwarf.*`. */
  variable(entry: DwarfEntry, access: DataAccess): Datum {
    const type = guestTypeOf(entry)
    const constant = entry.value(AT.constValue)
    if (constant?.kind === 'constant') return constantDatum(type, constant.value)
    if (constant?.kind === 'block') return datumOf(type, { kind: 'bytes', bytes: constant.bytes }, access)
    const place = locationsOf(entry, AT.location).find(({ start, end }) => this.place >= start && this.place < end)
    if (!place) {
      // What is only declared has its place from the linker.
      const symbol = this.#index.names.find(nameOf(entry) ?? '')
      const isOutside = entry.value(AT.location) === undefined && symbol && !symbol.isCode
      return datumOf(type, isOutside ? { kind: 'memory', address: symbol.address } : undefined, access)
    }
    return datumOf(type, locate(place.expression, this.#context(entry)), access)
  }
  #context(entry: DwarfEntry): ExpressionContext {
    const { unit } = entry
    const base = unit.base(AT.addrBase)
    return {
      register: number => this.register(number),
      readMemory: (address, length) => this.#machine.readMemory(address, length),
      cfa: () => this.#cfa,
      frameBase: () => this.#frameBase(),
      entryValue: expression => this.#entryValue(expression),
      moved: unit.file.moved,
      indexedAddress: index => unit.indexed('.debug_addr', base, index, WORD_BYTES),
    }
  }
  #frameBase(): bigint | undefined {
    const own = this.functions[0]?.entry
    const place =
      own && locationsOf(own, AT.frameBase).find(({ start, end }) => this.place >= start && this.place < end)
    return place && compute(place.expression, { ...this.#plainContext(), cfa: () => this.#cfa })
  }
  /** What a register had when the function was entered: the caller's call site may tell (DWARF 5 §3.4.2). */
  #entryValue(expression: Uint8Array): bigint | undefined {
    const { caller } = this
    const [own, around] = [this.functions[0]?.entry, caller?.functions[0]?.entry]
    if (!caller || !own || !around) return undefined
    const site = siteOf(around, caller.pc, MAX_SITE_DEPTH)
    const called = site?.reference(AT.callOrigin)
    // Through a chain of tail calls it was another function that the site called.
    if (!site || !called || (called.at !== own.at && called.at !== own.reference(AT.abstractOrigin)?.at))
      return undefined
    const parameter = site.children.find(child => {
      const where = child.tag === TAG.callSiteParameter ? child.value(AT.location) : undefined
      return (
        where?.kind === 'block' &&
        where.bytes.length === expression.length &&
        where.bytes.every((byte, i) => byte === expression[i])
      )
    })
    const value = parameter?.value(AT.callValue)
    return value?.kind === 'block' ? compute(value.bytes, caller.#context(around)) : undefined
  }
}

const MAX_SITE_DEPTH = 64

function siteOf(within: DwarfEntry, returnPc: bigint, depth: number): DwarfEntry | undefined {
  for (const child of within.children) {
    if (child.tag === TAG.callSite && child.address(AT.callReturnPc) === returnPc) return child
    if (depth === 0 || (child.tag !== TAG.lexicalBlock && child.tag !== TAG.inlinedSubroutine)) continue
    const found = siteOf(child, returnPc, depth - 1)
    if (found) return found
  }
  return undefined
}

/** The frames of a thread, the innermost first. Never more than a bound, whatever its stack says. */
export function machineFrames(index: CodeIndex, machine: FrameMachine): MachineFrame[] {
  const frames: MachineFrame[] = []
  let at: MachineFrame | undefined = new MachineFrame(index, machine, machine.now, { isInnermost: true, isExact: true })
  for (; at && frames.length < MAX_FRAMES; at = at.caller) frames.push(at)
  return frames
}

/** The program's memory and registers as a frame has them. */
export function accessOf(frame: MachineFrame, machine: FrameMachine, index: CodeIndex): DataAccess {
  return {
    readMemory: (address, length) => machine.readMemory(address, length),
    writeMemory: (address, bytes) => machine.writeMemory(address, bytes),
    register: number => frame.register(number),
    writeRegister: (number, value) => frame.isInnermost && machine.writeRegister(number, value),
    nameAt: address => dataName(index, address),
  }
}

/** What is at an address, in GDB's spelling; code and data alike. */
function dataName(index: CodeIndex, address: bigint): string | undefined {
  const place = index.names.symbols.nearest(address)
  if (!place) return undefined
  return place.offset === 0n ? place.name : `${place.name}+${place.offset}`
}
