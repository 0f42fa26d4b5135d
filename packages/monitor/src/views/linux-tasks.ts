import type { CodeNames } from '@doppel/base'
import { btfMembers } from './btf.ts'

/** A task of the Linux kernel. */
export interface LinuxTask {
  /** Its name, as the kernel has it: 15 characters at most. */
  readonly name: string
  /** As `gettid` tells, and the process's; undefined where the kernel carries no types (CONFIG_DEBUG_INFO_BTF). */
  readonly pid: number | undefined
  readonly process: number | undefined
}

/** Reads guest-virtual memory as the kernel sees it: as many bytes as there are. */
export type ReadGuest = (address: bigint, lengthBytes: number) => Uint8Array

const NAME_BYTES = 16
const MAX_BTF_BYTES = 32 << 20
/** Larger than any task_struct. */
const MAX_TASK_BYTES = 16 << 10
/** The first task of all, from which the others are made. */
const FIRST_NAME = 'swapper'
const HANDLERS = new Set(['handle_exception', 'ret_from_exception', 'ret_from_exception_end'])

interface TaskLayout {
  readonly name: number
  readonly pid?: number | undefined
  readonly process?: number | undefined
}

/** What can be known of a Linux kernel's tasks from outside. */
export class LinuxTasks {
  readonly #layout: TaskLayout

  private constructor(layout: TaskLayout) {
    this.#layout = layout
  }
  /** Undefined where the guest is no Linux, or has not made its first task yet. */
  static find(names: CodeNames, read: ReadGuest): LinuxTasks | undefined {
    const first = names.find('init_task')?.address
    if (first === undefined) return undefined
    const layout = layoutByTypes(names, read) ?? layoutByName(read(first, MAX_TASK_BYTES))
    if (!layout) return undefined
    const tasks = new LinuxTasks(layout)
    return tasks.at(first, read)?.name.startsWith(FIRST_NAME) === true ? tasks : undefined
  }

  /** The task whose structure is at an address; undefined where there is none. */
  at(address: bigint, read: ReadGuest): LinuxTask | undefined {
    const { name: nameAt, pid: pidAt, process: processAt } = this.#layout
    const bytes = read(address + BigInt(nameAt), NAME_BYTES)
    const end = bytes.indexOf(0)
    if (end < 1) return undefined
    const name = String.fromCharCode(...bytes.subarray(0, end))
    if (!/^[\x20-\x7e]+$/.test(name)) return undefined
    const number = (at: number | undefined): number | undefined => {
      const word = at === undefined ? new Uint8Array() : read(address + BigInt(at), 4)
      return word.length === 4 ? new DataView(word.buffer, word.byteOffset).getInt32(0, true) : undefined
    }
    return { name, pid: number(pidAt), process: number(processAt) }
  }
}

/** Code of RISC-V Linux at whose stack pointer the registers of what was interrupted are (struct pt_regs). */
export function savesTrapOnLinux(name: string): boolean {
  return HANDLERS.has(name)
}

function layoutByTypes(names: CodeNames, read: ReadGuest): TaskLayout | undefined {
  const [from, to] = [names.find('__start_BTF')?.address, names.find('__stop_BTF')?.address]
  if (from === undefined || to === undefined || to <= from || to - from > BigInt(MAX_BTF_BYTES)) return undefined
  const members = btfMembers(read(from, Number(to - from)), 'task_struct')
  const name = members?.get('comm')
  return name === undefined ? undefined : { name, pid: members?.get('pid'), process: members?.get('tgid') }
}

function layoutByName(task: Uint8Array): TaskLayout | undefined {
  const name = String.fromCharCode(...task).indexOf(`${FIRST_NAME}`)
  return name < 0 ? undefined : { name }
}
