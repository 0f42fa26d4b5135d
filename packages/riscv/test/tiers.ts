import { seededEntropy } from '@doppel/base'
import { assemble } from '@doppel/engine'
import { riscvAssembly } from '../src/assembly.ts'
import { machineWith, RAM, type TestMachine } from './machines.ts'

/** Random programs with loops, calls, switches, faults and writes over their own code, for every tier beside the interpreter. */
const FUNCTIONS = 4
const DATA = RAM + 0x8000
const DATA_BYTES = 0x3000
const PAGE_BYTES = 4096
const SLICES = [1, 7, 64, 500, 3000]
const TRANSIENT = ['t0', 't1', 't2', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5'] as const
const FLOATS = ['f0', 'f1', 'f2', 'f3'] as const
const ARITHMETIC = ['add', 'sub', 'xor', 'or', 'and', 'mul', 'sltu', 'addw', 'sllw', 'divu', 'rem'] as const
const MEMORY = [
  ['ld', 'sd', 8],
  ['lw', 'sw', 4],
  ['lhu', 'sh', 2],
  ['lb', 'sb', 1],
] as const

/** Where exceptions go, on to the next instruction; a trap vector is a multiple of 4, which programs are not. */
const HANDLER = 'csrrs t6, mepc, zero\n addi t6, t6, 4\n csrrw zero, mepc, t6\n mret'
const HANDLER_BYTES = 16

class Generator {
  readonly #entropy
  #labels = 0

  constructor(seed: bigint) {
    this.#entropy = seededEntropy(seed)
  }
  below(limit: number): number {
    const bytes = new Uint8Array(4)
    this.#entropy.fill(bytes)
    return new DataView(bytes.buffer).getUint32(0) % limit
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }
  #register(): string {
    return this.pick(TRANSIENT)
  }
  #label(): string {
    return `label${this.#labels++}`
  }

  /** s0 points into the data, s2 walks through them, s4 counts the round. */
  #piece(depth: number, mayCall: boolean): string[] {
    const r = (): string => this.#register()
    const [load, store] = this.pick(MEMORY)
    const offset = this.below(64) - 16
    switch (this.below(depth > 0 ? 13 : 10)) {
      case 0:
      case 1:
        return [`${this.pick(ARITHMETIC)} ${r()}, ${r()}, ${r()}`, `addi ${r()}, ${r()}, ${this.below(200) - 100}`]
      case 2:
        return [
          `${load} ${r()}, ${offset}(s0)`,
          `${store} ${r()}, ${offset + 8}(s0)`,
          `${load} ${r()}, ${offset + 4}(s0)`,
        ]
      case 3:
        return [`${store} ${r()}, ${offset}(s2)`, `${load} ${r()}, ${offset}(s2)`, 's2step']
      case 4: {
        const skip = this.#label()
        return [
          `${this.pick(['beq', 'bne', 'bltu', 'bge'])} ${r()}, ${r()}, ${skip}`,
          `xori ${r()}, ${r()}, 85`,
          `${skip}:`,
        ]
      }
      case 5: {
        const f = (): string => this.pick(FLOATS)
        return [`fcvt.d.l ${f()}, ${r()}`, `${this.pick(['fadd.d', 'fmul.d', 'fdiv.d'])} ${f()}, ${f()}, ${f()}`]
      }
      case 6:
        // There is no memory at such addresses: the handler goes on after the instruction.
        return [`${this.pick([load, store])} ${r()}, ${this.below(128)}(zero)`]
      case 7:
        return mayCall ? [`jal ra, function${this.below(FUNCTIONS)}`] : [`addi ${r()}, ${r()}, 1`]
      case 8: {
        // A switch by one or two bits of a register: jumps to a computed address, each case two instructions long.
        const past = this.#label()
        const most = this.pick([1, 3])
        const cases = Array.from({ length: most + 1 }, () => [
          `addi ${r()}, ${r()}, ${this.below(64)}`,
          `jal zero, ${past}`,
        ])
        return [
          `andi t3, ${r()}, ${most}`,
          'slli t3, t3, 3',
          'auipc t4, 0',
          'add t4, t4, t3',
          'jalr zero, 12(t4)',
          ...cases.flat(),
          `${past}:`,
        ]
      }
      case 9: {
        // A table that may lie across two pages, at an index of some bits.
        const shift = this.below(4)
        return [
          `andi t3, ${r()}, ${(1 << this.below(8)) - 1}`,
          `slli t3, t3, ${shift}`,
          `add t3, t3, ${this.pick(['s0', 's2'])}`,
          this.pick([`${load} ${r()}, ${offset}(t3)`, `${store} ${r()}, ${offset}(t3)`]),
        ]
      }
      case 10: {
        const [head, counter] = [this.#label(), `s${5 + depth}`]
        return [
          `li ${counter}, ${1 + this.below(12)}`,
          `${head}:`,
          ...this.#pieces(depth - 1, mayCall),
          `addi ${counter}, ${counter}, -1`,
          `bnez ${counter}, ${head}`,
        ]
      }
      case 11: {
        // Every fourth round writes one of two instructions over the one that follows.
        const [site, past] = [this.#label(), this.#label()]
        return [
          'andi t3, s4, 3',
          `bnez t3, ${past}`,
          `andi t3, s4, 4`,
          'slli t3, t3, 18',
          'li t4, 0x00150513',
          'add t3, t3, t4',
          `auipc t4, 0`,
          `sw t3, 12(t4)`,
          'fence.i',
          `${past}: ${site}: addi a0, a0, 1`,
        ]
      }
      default:
        return this.#pieces(depth - 1, mayCall)
    }
  }
  #pieces(depth: number, mayCall: boolean): string[] {
    const pieces = Array.from({ length: 1 + this.below(4) }, () => this.#piece(depth, mayCall)).flat()
    const step = this.pick([1, 8, 24, 200])
    const bounded = ['addi s2, s2, ' + step, 'bltu s2, s3, over', 'mv s2, s1', 'over:']
    return pieces.flatMap(line => {
      if (line !== 's2step') return [line]
      const label = this.#label()
      return bounded.map(l => l.replace('over', label))
    })
  }

  program(): string {
    const functions = Array.from({ length: FUNCTIONS }, (_, i) => [
      `function${i}:`,
      'addi sp, sp, -16',
      'sd ra, 8(sp)',
      ...this.#pieces(1, i > 0).map(line => line.replace(/function\d/, `function${Math.max(0, i - 1)}`)),
      'ld ra, 8(sp)',
      'addi sp, sp, 16',
      'ret',
    ])
    const main = ['main:', ...Array.from({ length: 3 }, () => this.#pieces(2, true)).flat(), 'addi s4, s4, 1', 'j main']
    return [...main, ...functions.flat()].join('\n')
  }
}

/** The judge, which interprets, and those that translate: at once, and after some arrivals. */
const TIERS = (): TestMachine[] => [0, 1, 20].map(translateAfter => machineWith('main: j main', translateAfter))

/** Gives a machine another program, and the state that the seed says. */
function start({ cpu, hart }: TestMachine, program: string, seed: number): void {
  // They begin anywhere in a page, so that all kinds of code come to lie at its end.
  const origin = RAM + HANDLER_BYTES + ((seed * 2) % PAGE_BYTES)
  cpu.memory.write(RAM, new Uint8Array(DATA - RAM))
  cpu.memory.write(RAM, assemble(riscvAssembly, HANDLER, { origin: BigInt(RAM) }).bytes)
  cpu.memory.write(origin, assemble(riscvAssembly, program, { origin: BigInt(origin) }).bytes)
  cpu.memory.write(DATA, new Uint8Array(DATA_BYTES))
  hart.start({ pc: BigInt(origin), privilege: 3, a0: 0n, a1: 0n })
  for (let i = 1; i < 32; i++) hart.setX(i, BigInt(seed * i))
  for (let i = 0; i < 32; i++) hart.setF(i, 0n)
  hart.writeCsr('mstatus', 0x6000n)
  hart.writeCsr('fcsr', BigInt(seed & 1))
  hart.writeCsr('mtvec', BigInt(RAM))
  hart.setX(2, BigInt(DATA + 0x2800 + (seed % 5) * 8))
  // Near a page's end, so that runs of accesses cross it now and then.
  hart.setX(8, BigInt(DATA + 0x1000 - (seed % 100)))
  hart.setX(9, BigInt(DATA + 0x40))
  hart.setX(18, BigInt(DATA + 0x40))
  hart.setX(19, BigInt(DATA + 0x2400))
}

function stateOf({ hart, cpu }: TestMachine): string {
  const data = new Uint8Array(DATA_BYTES)
  cpu.memory.read(DATA, data)
  const registers = Array.from({ length: 32 }, (_, i) => `${i}: ${hart.x(i).toString(16)} ${hart.f(i).toString(16)}`)
  const words = [...new BigUint64Array(data.buffer)].map(word => word.toString(16))
  return [hart.pc.toString(16), hart.retired, hart.readCsr('fcsr'), ...registers, words.join(' ')].join('\n')
}

/** Runs the programs of seeds, each for a few slices, in every tier; says what differed first, or undefined. */
export class TierComparison {
  readonly #machines: readonly TestMachine[] = TIERS()

  /** The first difference from the interpreter that a seed's program shows. */
  difference(
    seed: number,
  ):
    | { readonly slice: number; readonly program: string; readonly expected: string; readonly found: string }
    | undefined {
    const [judge, ...tested] = this.#machines as [TestMachine, ...TestMachine[]]
    const program = new Generator(BigInt(seed)).program()
    for (const machine of this.#machines) start(machine, program, seed)
    for (const slice of SLICES) {
      judge.hart.run(slice)
      const expected = stateOf(judge)
      for (const machine of tested) {
        machine.hart.run(slice)
        const found = stateOf(machine)
        if (found !== expected) return { slice, program, expected, found }
      }
    }
    return undefined
  }
  /** The regions that have been translated, by machine. */
  get regions(): readonly number[] {
    return this.#machines.slice(1).map(({ cpu }) => cpu.engine.stats.regions)
  }
}
