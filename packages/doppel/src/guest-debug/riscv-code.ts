import type { CodeNames } from '@doppel/base'
import { disassemble, newDecoded } from '@doppel/engine'
import {
  type CodeInstruction,
  type FoundCaller,
  type FrameRegisters,
  type MachineCode,
  savesTrapOnLinux,
} from '@doppel/monitor'
import { callerOf, HartView, riscvAssembly, type RiscvCpu, rv64gc } from '@doppel/riscv'

/** Numbers of registers for DWARF (RISC-V ELF psABI, "DWARF Register Numbers"): x0 to x31, then f0 to f31. */
const DWARF_INTEGERS = 32
const DWARF_REGISTERS = 64
const RA = 1
const SP = 2
const FP = 8
/** Where pc is among a debugger's registers: between the two. */
const PC = 32
const JAL = rv64gc.index('jal')
const JALR = rv64gc.index('jalr')
const RETURNS = new Set(['mret', 'sret'].map(name => rv64gc.index(name)))

/** RISC-V, as debuggers of source need it. */
export class RiscvCode implements MachineCode {
  readonly stackPointer: number = SP
  readonly programCounter: number = PC
  readonly #cpu: RiscvCpu
  readonly #names: CodeNames
  readonly #decoded = newDecoded()

  constructor(cpu: RiscvCpu, names: CodeNames) {
    this.#cpu = cpu
    this.#names = names
  }
  registerOf(dwarf: number): number | undefined {
    return dwarf < DWARF_INTEGERS ? dwarf : dwarf < DWARF_REGISTERS ? dwarf + 1 : undefined
  }
  dwarfOf(register: number): number | undefined {
    return register < PC ? register : register > PC && register <= DWARF_REGISTERS ? register - 1 : undefined
  }
  instructionAt(thread: number, address: bigint): CodeInstruction | undefined {
    const word = this.#view(thread)?.instruction(address)
    if (word === undefined) return undefined
    const decoded = this.#decoded
    rv64gc.decode(word, decoded)
    const isLinked = decoded.row === JAL || decoded.row === JALR
    const kind = isLinked ? (decoded.rd === 0 ? 'jump' : 'call') : RETURNS.has(decoded.row) ? 'jump' : 'other'
    return {
      lengthBytes: decoded.lengthBytes,
      kind,
      get text() {
        return disassemble(riscvAssembly, word, address)
      },
    }
  }
  callerOf(thread: number, frame: FrameRegisters, isInnermost: boolean): FoundCaller | undefined {
    const view = this.#view(thread)
    const [sp, fp, ra] = [SP, FP, RA].map(number => frame.register(number))
    if (!view || sp === undefined || fp === undefined) return undefined
    const names = { at: (address: bigint) => this.#names.at(address), savesTrap: savesTrapOnLinux }
    const found = callerOf(view, names, { pc: frame.pc, sp, fp, ra: isInnermost ? ra : undefined }, isInnermost)
    if (found === 'lost' || found === undefined) return undefined
    const { registers, source } = found
    const known = new Map([
      [RA, registers.ra],
      [SP, registers.sp],
      [FP, registers.fp],
    ])
    return { pc: registers.pc, isTrapped: source === 'trap', register: number => known.get(number) }
  }
  #view(thread: number): HartView | undefined {
    const hart = this.#cpu.harts[thread]
    return hart && new HartView(this.#cpu, hart)
  }
}
