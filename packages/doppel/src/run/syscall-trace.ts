import { LINUX_SYSCALLS, resultText, type SyscallEvent } from '@doppel/monitor'
import { type Hart, HartView, type RiscvCpu } from '@doppel/riscv'
import type { GuestTasks } from './stacks.ts'

/** The registers of a system call (Linux, riscv: syscall(2)). */
const A0 = 10
const A7 = 17
const ECALL_BYTES = 4n
const ARGUMENTS = 6
/** More tasks than this are never in a call at once here: the oldest is forgotten. */
const MAX_PENDING = 4096
const MAX_TEXT_BYTES = 96
const AT_FDCWD = -100n
const UNKNOWN = '?'
const RETURN_ADDRESSES = new Set(['brk', 'mmap', 'mremap', 'shmat'])
const ENDS = new Set(['exit', 'exit_group'])

interface Pending {
  readonly pc: bigint
  readonly name: string
  readonly event: Omit<SyscallEvent, 'result'>
}

/** Puts together calls and what came of them, task by task: in between others run, and the task may go to another hart. */
export class SyscallTrace {
  readonly #cpu: RiscvCpu
  readonly #tasks: GuestTasks
  readonly #pending = new Map<bigint, Pending>()

  constructor(cpu: RiscvCpu, tasks: GuestTasks) {
    this.#cpu = cpu
    this.#tasks = tasks
  }

  /** A hart is about to take an environment call from U-mode. Tells of it at once where it does not come back. */
  begin(hart: Hart): SyscallEvent | undefined {
    const key = this.#tasks.keyOf(hart)
    const task = this.#tasks.taskOf(hart)
    const number = Number(BigInt.asIntN(32, hart.x(A7)))
    const row = LINUX_SYSCALLS.get(number)
    const view = new HartView(this.#cpu, hart)
    const kinds = row?.arguments ?? Array.from({ length: ARGUMENTS }, () => 'hex' as const)
    const event = {
      kind: 'syscall' as const,
      task: task && (task.pid === undefined ? task.name : `${task.name}[${task.pid}]`),
      call: row?.name ?? `syscall_${number}`,
      arguments: kinds.map((kind, i) => argument(kind, hart.x(A0 + i), view)),
      since: hart.retired,
    }
    this.#pending.delete(key)
    if (ENDS.has(event.call)) return { ...event, result: UNKNOWN }
    if (this.#pending.size >= MAX_PENDING) this.#pending.delete(this.#pending.keys().next().value as bigint)
    this.#pending.set(key, { pc: hart.pc, name: event.call, event })
    return undefined
  }

  /** A hart has returned to U-mode: the call that its task was in, if it was in one. */
  end(hart: Hart): { readonly event: SyscallEvent; readonly pc: bigint } | undefined {
    const key = this.#tasks.keyOf(hart)
    const found = this.#pending.get(key)
    if (!found) return undefined
    this.#pending.delete(key)
    const { pc, name, event } = found
    return { pc, event: { ...event, result: resultOf(name, hart, pc) } }
  }
  /** Those that have not returned. */
  *unfinished(): Generator<{ readonly event: SyscallEvent; readonly pc: bigint }> {
    for (const { pc, event } of this.#pending.values()) yield { pc, event: { ...event, result: UNKNOWN } }
    this.#pending.clear()
  }
}

function resultOf(name: string, hart: Hart, pc: bigint): string {
  if (hart.pc === pc + ECALL_BYTES) return resultText(hart.x(A0), RETURN_ADDRESSES.has(name))
  // The new program has begun.
  if (name === 'execve' || name === 'execveat') return '0'
  if (name === 'rt_sigreturn') return UNKNOWN
  return hart.pc === pc ? `${UNKNOWN} (it is made again)` : `${UNKNOWN} (a signal's handler runs)`
}

function argument(kind: string, value: bigint, view: HartView): string {
  switch (kind) {
    case 'fd':
    case 'int':
    case 'pid':
      return String(BigInt.asIntN(32, value))
    case 'dirfd':
      return BigInt.asIntN(32, value) === AT_FDCWD ? 'AT_FDCWD' : String(BigInt.asIntN(32, value))
    case 'size':
      return String(BigInt.asIntN(64, value))
    case 'mode':
      return value === 0n ? '0' : `0${BigInt.asUintN(32, value).toString(8)}`
    case 'str':
      return textAt(value, view)
    default:
      return value === 0n ? '0' : `0x${value.toString(16)}`
  }
}

function textAt(address: bigint, view: HartView): string {
  if (address === 0n) return 'NULL'
  const bytes = view.read(address, MAX_TEXT_BYTES)
  const end = bytes.indexOf(0)
  if (end < 0 && bytes.length < MAX_TEXT_BYTES) return `0x${address.toString(16)}`
  const text = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
  return JSON.stringify(text) + (end < 0 ? '…' : '')
}
