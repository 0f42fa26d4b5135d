import { type CodeNames, DoppelError } from '@doppel/base'
import { disassemble } from '@doppel/engine'
import {
  chromeTrace,
  jsonTrace,
  textTrace,
  type TraceEvent,
  type TraceKind,
  type TraceMoment,
  type TraceWriter,
} from '@doppel/monitor'
import {
  causeName,
  type CodeRange,
  type Hart,
  type HartObserver,
  HartView,
  type ObservedTrap,
  riscvAssembly,
  WatchedCode,
} from '@doppel/riscv'
import type { RunningMachine } from './machine.ts'
import { GuestTasks } from './stacks.ts'
import { SyscallTrace } from './syscall-trace.ts'

/** How traces are written. */
export const TRACE_FORMATS: Readonly<Record<'text' | 'json' | 'chrome', () => TraceWriter>> = {
  text: textTrace,
  json: jsonTrace,
  chrome: chromeTrace,
}

/** What of a machine is traced. Absent: all. */
export interface TraceOptions {
  readonly events: readonly TraceKind[]
  readonly harts?: readonly number[]
  readonly modes?: readonly TraceMoment['mode'][]
  /** Code by its addresses, `0x` and digits. */
  readonly addresses?: readonly { readonly from: string; readonly to: string }[]
  /** Code by its names. */
  readonly functions?: readonly string[]
  /** How many events are the last. */
  readonly limit?: number
  readonly format: keyof typeof TRACE_FORMATS
}

const ECALL_FROM_U = 8
const ECALL_FROM_S = 9
const A6 = 16
const A7 = 17
const MODES: readonly TraceMoment['mode'][] = ['U', 'S', 'S', 'M']

/** Where code with one of these names, or at these addresses, is; undefined for all code. Throws `trace.symbol`. */
function rangesOf({ addresses = [], functions = [] }: TraceOptions, names: CodeNames): CodeRange[] | undefined {
  if (addresses.length === 0 && functions.length === 0) return undefined
  return [
    ...addresses.map(({ from, to }) => ({ start: BigInt(from), end: BigInt(to) })),
    ...functions.map(name => {
      const found = names.find(name)
      if (found?.isCode !== true) {
        throw new DoppelError('trace.symbol', `no code is called '${name}'; expected a function of the guest's`, {
          name,
        })
      }
      return { start: found.address, end: names.symbols.endOf(found) }
    }),
  ]
}

/** What a hart had retired before the instruction that it is in the middle of, which counts already. */
const before = (hart: Hart): bigint => hart.retired - 1n

/** Where a trace goes. */
export interface TracePorts {
  write(text: string): void
  /** Called when there have been as many events as were asked for. */
  onLimit?(): void
}

/** A trace under way. */
export class Trace {
  readonly #machine: RunningMachine
  readonly #names: CodeNames
  readonly #options: TraceOptions
  readonly #ranges: readonly CodeRange[] | undefined
  readonly #writer: TraceWriter
  readonly #ports: TracePorts
  readonly #syscalls: SyscallTrace
  readonly #stop: () => void
  #count = 0

  /** Begins; only while no hart runs. Throws `trace.threads`, `trace.symbol`. */
  constructor(machine: RunningMachine, names: CodeNames, options: TraceOptions, ports: TracePorts) {
    if (machine.threads) {
      throw new DoppelError('trace.threads', 'a trace needs harts that take turns; leave out --smp parallel')
    }
    this.#machine = machine
    this.#names = names
    this.#options = options
    this.#ranges = rangesOf(options, names)
    this.#ports = ports
    this.#writer = TRACE_FORMATS[options.format]()
    this.#syscalls = new SyscallTrace(machine.cpu, new GuestTasks(machine.cpu, names))
    ports.write(this.#writer.head())
    this.#stop = machine.cpu.observers.add(this.#observer(new Set(options.events)))
  }
  /** Ends; only while no hart runs. */
  end(): void {
    this.#stop()
    const [hart] = this.#machine.cpu.harts
    if (hart)
      for (const { event, pc } of this.#syscalls.unfinished())
        this.#emit(hart, { ...event, pc, mode: 'U', retired: event.since })
    this.#ports.write(this.#writer.tail())
  }

  #observer(kinds: ReadonlySet<TraceKind>): HartObserver {
    const [traps, interrupts, syscalls] = [kinds.has('traps'), kinds.has('interrupts'), kinds.has('syscalls')]
    const instruction = (hart: Hart): void => this.#instruction(hart)
    const instructions: HartObserver = this.#ranges
      ? { code: new WatchedCode(this.#ranges, instruction) }
      : { instruction }
    return {
      ...(kinds.has('instructions') && instructions),
      ...((traps || interrupts || syscalls) && {
        trap: (hart, trap) => {
          const isCall = syscalls && !trap.isInterrupt && trap.cause === ECALL_FROM_U
          const last = isCall ? this.#syscalls.begin(hart) : undefined
          if (last) this.#emit(hart, last)
          if (trap.isInterrupt ? interrupts : traps) this.#trap(hart, trap)
        },
        returned: hart => {
          const call = syscalls && hart.privilege === 0 ? this.#syscalls.end(hart) : undefined
          if (call) this.#emit(hart, { ...call.event, pc: call.pc })
          if (traps || interrupts) this.#emit(hart, { kind: 'return' })
        },
      }),
      ...(kinds.has('devices') && {
        device: (hart, access) => {
          const { device, register } = this.#machine.vm.bus.describe(access.gpa, access.isWrite) ?? {
            device: 'none',
            register: `0x${access.gpa.toString(16)}`,
          }
          this.#emit(hart, { kind: 'device', device, register, ...access, retired: before(hart) })
        },
      }),
      ...(kinds.has('walks') && {
        walk: (hart, walk) => {
          const { steps } = new HartView(this.#machine.cpu, hart).walk(walk.address)
          const retired = walk.access === 'execute' ? hart.retired : before(hart)
          this.#emit(hart, { kind: 'walk', steps, ...walk, retired })
        },
      }),
    }
  }
  #instruction(hart: Hart): void {
    if (!this.#wants(hart)) return
    const word = new HartView(this.#machine.cpu, hart).instruction(hart.pc)
    const text = word === undefined ? '(cannot be fetched)' : disassemble(riscvAssembly, word, hart.pc)
    this.#emit(hart, { kind: 'instruction', text })
  }
  #trap(hart: Hart, { cause, isInterrupt, value }: ObservedTrap): void {
    const name = causeName(cause, isInterrupt)
    if (isInterrupt) return this.#emit(hart, { kind: 'interrupt', name })
    const isSbi = cause === ECALL_FROM_S && this.#machine.cpu.environmentCall !== undefined
    this.#emit(hart, { kind: 'trap', name, value, ...(isSbi && { note: sbiNote(hart) }) })
  }

  #wants(hart: Hart, pc = hart.pc): boolean {
    const { harts, modes } = this.#options
    if (harts && !harts.includes(hart.id)) return false
    if (modes && !modes.includes(MODES[hart.privilege] as TraceMoment['mode'])) return false
    return this.#ranges === undefined || this.#ranges.some(({ start, end }) => pc >= start && pc < end)
  }
  #emit(hart: Hart, event: Detail): void {
    const { limit = Infinity } = this.#options
    const pc = event.pc ?? hart.pc
    if (this.#count >= limit || !this.#wants(hart, pc)) return
    const mode = MODES[hart.privilege] as TraceMoment['mode']
    const moment = { hart: hart.id, mode, retired: hart.retired, pc, place: this.#names.text(pc) }
    this.#ports.write(this.#writer.event({ ...moment, ...event } as TraceEvent))
    if (event.kind !== 'return') this.#count++
    if (this.#count === limit) this.#ports.onLimit?.()
  }
}

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
/** An event without what is known of its hart. */
type Detail = Without<TraceEvent, keyof TraceMoment> & {
  readonly pc?: bigint
  readonly mode?: TraceMoment['mode']
  readonly retired?: bigint
}

/** The extension's number as its four letters, where it has them (SBI ch. "Binary Encoding"). */
function sbiNote(hart: Hart): string {
  const eid = Number(BigInt.asUintN(32, hart.x(A7)))
  const letters = [24, 16, 8, 0].map(shift => String.fromCharCode((eid >>> shift) & 0xff)).join('')
  const name = /^[ -~]{4}$/.test(letters) ? letters : `0x${eid.toString(16)}`
  return `SBI ${name}, function ${hart.x(A6)}`
}
