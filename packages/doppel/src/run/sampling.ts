import { type CodeNames, placeText } from '@doppel/base'
import { CallTree, flameGraph, savesTrapOnLinux } from '@doppel/monitor'
import { type FrameLayouts, type Hart, HartView, type RiscvCpu, type StackFrame, unwind } from '@doppel/riscv'
import { GuestTasks, placeOf } from './stacks.ts'
import type { TextOutput } from './text-output.ts'

/** What a profile is written as. */
export const SAMPLE_FORMATS = ['svg', 'txt', 'json'] as const
/** A profile: where harts are each time that they have retired so many instructions. */
export interface SampleOptions {
  readonly every: number
  /** Its name says the format. */
  readonly output: string
}

/** Addresses are told by their pages where nothing has a name. */
const PAGE_MASK = ~0xfffn
/** Digits of the seconds that a sample's time has, an instruction counting as a nanosecond. */
const NS_PER_S = 1_000_000_000n

/** Takes samples of all harts, by count of instructions: the same run gives the same profile. */
export class Sampling {
  readonly #cpu: RiscvCpu
  readonly #names: CodeNames
  readonly #options: SampleOptions
  readonly #output: TextOutput
  readonly #tasks: GuestTasks
  readonly #tree = new CallTree()
  readonly #layouts: FrameLayouts = new Map()
  readonly #format: string
  readonly #stop: () => void
  #samples = 0

  /** Begins; only while no hart runs. */
  constructor(cpu: RiscvCpu, names: CodeNames, options: SampleOptions, output: TextOutput) {
    this.#cpu = cpu
    this.#names = names
    this.#options = options
    this.#output = output
    this.#tasks = new GuestTasks(cpu, names)
    this.#format = options.output.split('.').at(-1) ?? ''
    this.#stop = cpu.observers.add({ sample: { every: options.every, take: hart => this.#take(hart) } })
  }

  #take(hart: Hart): void {
    this.#samples++
    const frames = unwind(
      new HartView(this.#cpu, hart),
      { at: address => this.#names.at(address), savesTrap: savesTrapOnLinux },
      // Programs are at one another's addresses.
      hart.privilege === 0 ? undefined : this.#layouts,
    ).filter(({ source }) => source !== 'guess')
    const task = this.#tasks.taskOf(hart)
    const who = task?.name ?? this.#unknown(hart)
    if (this.#format === 'txt') this.#output.write(this.#script(hart, who, task?.pid ?? 0, frames))
    else this.#tree.add([who, ...frames.map(frame => this.#nameOf(frame)).reverse()])
  }
  /** Without a name an address space has its root; machine mode has none. */
  #unknown(hart: Hart): string {
    if (hart.privilege === 3) return `[hart ${hart.id}]`
    return `[satp 0x${hart.readCsr('satp').toString(16)}]`
  }
  #nameOf(frame: StackFrame): string {
    return placeOf(this.#names, frame)?.name ?? `0x${(frame.pc & PAGE_MASK).toString(16)}`
  }
  /** A sample as perf-script(1) prints it. */
  #script(hart: Hart, who: string, pid: number, frames: readonly StackFrame[]): string {
    const ns = hart.retired
    const time = `${ns / NS_PER_S}.${(ns % NS_PER_S).toString().padStart(9, '0')}`
    const cpu = hart.id.toString().padStart(3, '0')
    const lines = frames.map(frame => {
      const name = placeText(placeOf(this.#names, frame)) ?? '[unknown]'
      const owner = frame.pc >> 63n ? '[kernel.kallsyms]' : '[unknown]'
      return `\t${frame.pc.toString(16).padStart(16)} ${name} (${owner})\n`
    })
    return `${who.replaceAll(' ', '_')} ${pid} [${cpu}] ${time}: ${this.#options.every} instructions:\n${lines.join('')}\n`
  }

  /** Ends, once no hart runs; writes what is written only then. Returns how many samples there were. */
  end(): number {
    this.#stop()
    const { every } = this.#options
    if (this.#format === 'svg') {
      const title = `${this.#samples} samples, each ${every.toLocaleString('en-US')} instructions`
      this.#output.write(flameGraph(this.#tree, title, 'samples'))
    } else if (this.#format === 'json') {
      const stacks = [...this.#tree.folded()].map(([stack, samples]) => ({ stack, samples }))
      this.#output.write(`${JSON.stringify({ every, samples: this.#samples, stacks }, undefined, 1)}\n`)
    }
    return this.#samples
  }
}
