import { type CodeNames, DoppelError, hex } from '@doppel/base'
import { LINUX_SYSCALLS, stackText } from '@doppel/monitor'
import { causeName, type Hart, type HartObserver, isCsr } from '@doppel/riscv'
import type { RunningMachine } from './machine.ts'
import { stacksOf } from './stacks.ts'

/** An event that stops a machine, e.g. `trap:page-fault`. */
export interface EventBreak {
  readonly kind: 'trap' | 'interrupt' | 'syscall' | 'csr' | 'device'
  /** What of that kind: part of a cause's name, or its number; a call's, a CSR's, a device's name, or `device.register`. */
  readonly what: string
}

const KINDS = ['trap', 'interrupt', 'syscall', 'csr', 'device'] as const
const MAX_CAUSE = 64
const ECALL_FROM_U = 8
const A7 = 17
const EXPECTED = 'trap:page-fault, interrupt:timer, syscall:execve, csr:satp or device:uart.thr'

const slug = (name: string): string => name.toLowerCase().replaceAll(' ', '-')

function causes(what: string, isInterrupt: boolean): ReadonlySet<number> {
  const all = Array.from({ length: MAX_CAUSE }, (_, cause) => cause)
  return new Set(all.filter(cause => String(cause) === what || slug(causeName(cause, isInterrupt)).includes(what)))
}

/** Reads `KIND:WHAT`. Throws `break.event` for what never happens. */
export function readEventBreak(text: string): EventBreak {
  const [kind, what = ''] = text.split(/:(.*)/, 2)
  const known = KINDS.find(each => each === kind)
  const wrong = (why: string): DoppelError =>
    new DoppelError('break.event', `'${text}': ${why}; expected for example ${EXPECTED}`, { text })
  if (!known || what === '') throw wrong('it is no event')
  const isCause = known === 'trap' || known === 'interrupt'
  if (isCause && causes(what, known === 'interrupt').size === 0) throw wrong(`no ${known} has this name`)
  if (known === 'syscall' && !syscallNumbers(what).length) throw wrong('Linux on RISC-V has no such call')
  if (known === 'csr' && !isCsr(what)) throw wrong('there is no such CSR')
  return { kind: known, what }
}

function syscallNumbers(name: string): number[] {
  return [...LINUX_SYSCALLS.values()].filter(row => row.name === name).map(row => row.number)
}

/** Stops a machine at events. */
export class EventBreaks {
  readonly #machine: RunningMachine
  readonly #names: CodeNames
  readonly #tell: (text: string) => void
  /** Where each hart was when it was about to make an access that stopped it: going on, it makes it. */
  readonly #stopped = new Map<Hart, bigint>()
  readonly #end: () => void
  #count = 0

  /** Begins; only while no hart runs. `tell` gets the reports. Throws `break.threads`, `break.event` for a device that is not there. */
  constructor(machine: RunningMachine, names: CodeNames, breaks: readonly EventBreak[], tell: (text: string) => void) {
    if (machine.threads) {
      throw new DoppelError('break.threads', 'events stop harts that take turns; leave out --smp parallel')
    }
    this.#machine = machine
    this.#names = names
    this.#tell = tell
    const devices = machine.vm.bus.deviceNames
    for (const { kind, what } of breaks) {
      if (kind === 'device' && !devices.includes(what.split('.')[0] ?? '')) {
        throw new DoppelError('break.event', `no device is called '${what}'; this machine has ${devices.join(', ')}`)
      }
    }
    this.#end = machine.cpu.observers.add(this.#observer(breaks))
  }
  /** How often events have stopped the machine. */
  get count(): number {
    return this.#count
  }
  /** Ends; only while no hart runs. */
  end(): void {
    this.#end()
  }

  #observer(breaks: readonly EventBreak[]): HartObserver {
    const of = (kind: EventBreak['kind']): string[] => breaks.filter(each => each.kind === kind).map(({ what }) => what)
    const sets = (kind: 'trap' | 'interrupt'): Set<number> =>
      new Set(of(kind).flatMap(what => [...causes(what, kind === 'interrupt')]))
    const [traps, interrupts] = [sets('trap'), sets('interrupt')]
    const calls = new Set(of('syscall').flatMap(syscallNumbers))
    const [csrs, devices] = [new Set(of('csr')), of('device')]
    let at = ''
    return {
      trap: (hart, { cause, isInterrupt, value }) => {
        const name = causeName(cause, isInterrupt)
        if (isInterrupt) return interrupts.has(cause) ? this.#stop(hart, `interrupt ${name}`, true) : undefined
        const call = cause === ECALL_FROM_U ? Number(BigInt.asIntN(32, hart.x(A7))) : -1
        if (calls.has(call)) return this.#stop(hart, `system call ${LINUX_SYSCALLS.get(call)?.name}`, true)
        return traps.has(cause) ? this.#stop(hart, `trap ${name}, value ${hex(value)}`, true) : undefined
      },
      ...(csrs.size > 0 && {
        csrWritten: (hart, name, value) => {
          if (csrs.has(name)) this.#stop(hart, `csr ${name} <- ${hex(value)}`, false)
        },
      }),
      ...(devices.length > 0 && {
        stopsBefore: (hart, gpa, isWrite) => {
          const found = this.#machine.vm.bus.describe(gpa, isWrite)
          const name = found && `${found.device}.${found.register}`
          if (!name || !devices.some(what => what === name || what === found.device)) return false
          if (this.#stopped.get(hart) === hart.retired) return false
          this.#stopped.set(hart, hart.retired)
          at = `${isWrite ? 'write to' : 'read of'} ${name}`
          return true
        },
        stoppedBefore: hart => this.#stop(hart, at, false),
      }),
    }
  }

  /** Stops the machine where the hart is; what a trap came from is told now, since the hart goes on to its handler. */
  #stop(hart: Hart, event: string, isNow: boolean): void {
    const { cpu, vm } = this.#machine
    this.#count++
    const told = isNow ? this.#report(hart, event) : undefined
    cpu.stopSlice(hart)
    const isTaken = cpu.onEvent(hart, event)
    void vm.pause().then(() => {
      this.#tell(told ?? this.#report(hart, event))
      // Nobody is there to let it go on.
      if (!isTaken) vm.stop()
    })
  }
  #report(hart: Hart, event: string): string {
    const { cpu } = this.#machine
    const stacks = stacksOf(cpu, this.#names).filter(stack => stack.hart === hart.id)
    const csrs = ['sstatus', 'scause', 'sepc', 'stval', 'satp'].map(name => `${name} ${hex(hart.readCsr(name))}`)
    const rows = Array.from({ length: 8 }, (_, row) =>
      Array.from({ length: 4 }, (_, column) => {
        const register = row * 4 + column
        return `${`x${register}`.padStart(3)} ${BigInt.asUintN(64, hart.x(register)).toString(16).padStart(16, '0')}`
      }).join('  '),
    )
    return `doppel: stopped at ${event}\n${stackText(stacks)}${rows.join('\n')}\n${csrs.join(', ')}\n`
  }
}
