import { type CodeNames, placeText, type SymbolPlace } from '@doppel/base'
import { type FrameReport, type HartStack, LinuxTasks, type ReadGuest, savesTrapOnLinux } from '@doppel/monitor'
import { type Hart, HartView, type RiscvCpu, type StackFrame, unwind } from '@doppel/riscv'

const MODES = ['user', 'supervisor', 'reserved', 'machine'] as const
/** tp, which in Linux's kernel leads to the task; in a program it is the program's, and sscratch has the kernel's. */
const TP = 4

/** The stacks of all harts of a machine that stands still. */
export function stacksOf(cpu: RiscvCpu, names: CodeNames): HartStack[] {
  const guest = new GuestTasks(cpu, names)
  return cpu.harts.map(hart => ({
    hart: hart.id,
    state: !hart.running ? 'stopped' : hart.waiting ? 'waiting for an interrupt' : MODES[hart.privilege as 0],
    retired: hart.retired,
    task: hart.running ? guest.taskOf(hart) : undefined,
    frames: hart.running ? framesOf(cpu, hart, names) : [],
  }))
}

/** The frames of a hart, the innermost first. */
export function framesOf(cpu: RiscvCpu, hart: Hart, names: CodeNames): FrameReport[] {
  return unwind(new HartView(cpu, hart), { at: address => names.at(address), savesTrap: savesTrapOnLinux }).map(
    ({ pc, source }: StackFrame): FrameReport => {
      return {
        address: pc,
        place: placeText(placeOf(names, { pc, source })),
        line: names.line(isExact(source) ? pc : pc - 1n),
        isCertain: source !== 'guess',
        isTrapped: source === 'trap',
      }
    },
  )
}

/** Whoever is to return is behind its call, which may be the end of a line, or of all of its function. */
function isExact(source: StackFrame['source']): boolean {
  return source === 'pc' || source === 'trap'
}
/** The name of the function that a frame is of. */
export function placeOf(names: CodeNames, { pc, source }: StackFrame): SymbolPlace | undefined {
  if (isExact(source)) return names.at(pc)
  const caller = names.at(pc - 1n)
  return caller && { ...caller, offset: caller.offset + 1n }
}

/** The tasks of a guest that runs Linux. */
export class GuestTasks {
  readonly #cpu: RiscvCpu
  readonly #names: CodeNames
  #tasks: LinuxTasks | undefined

  constructor(cpu: RiscvCpu, names: CodeNames) {
    this.#cpu = cpu
    this.#names = names
  }
  /** The task that a hart runs; undefined where that cannot be told. */
  taskOf(hart: Hart): ReturnType<LinuxTasks['at']> {
    if (hart.privilege > 1) return undefined
    const view = new HartView(this.#cpu, hart)
    const read: ReadGuest = (address, lengthBytes) => view.read(address, lengthBytes)
    this.#tasks ??= LinuxTasks.find(this.#names, read)
    return this.#tasks?.at(this.keyOf(hart), read)
  }
  /** What stands for the task that a hart runs, whether or not it is known. */
  keyOf(hart: Hart): bigint {
    return hart.privilege === 0 ? hart.readCsr('sscratch') : hart.x(TP)
  }
}
