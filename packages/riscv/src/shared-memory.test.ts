import { seededEntropy } from '@doppel/base'
import type { EnginePlace } from '@doppel/engine'
import { describe, expect, test } from 'vitest'
import { machineWith, RAM, TIERS, type TestMachine } from '../test/machines.ts'

const OPERATIONS = ['swap', 'add', 'xor', 'and', 'or', 'min', 'max', 'minu', 'maxu']
const ROUNDS = 40
/** Values where widths and signs matter. */
const EDGES = [0n, 1n, -1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 63n, (1n << 63n) - 1n]
const entropy = seededEntropy(7n)

function value(): bigint {
  const bytes = new Uint8Array(9)
  entropy.fill(bytes)
  const edge = EDGES[(bytes[8] as number) & 15]
  return edge ?? new DataView(bytes.buffer).getBigInt64(0)
}

/** Every atomic operation at both widths, on a cell of its own each, over and over; results are summed up in s1. */
function program(cells: readonly bigint[]): string {
  const rows = OPERATIONS.flatMap(name => ['w', 'd'].map(width => `amo${name}.${width}`))
  const each = rows.map(
    (name, i) => `addi t1, s0, ${i * 8}\n ${name} a0, t0, (t1)\n slli a2, s1, 3\n add s1, a2, a0\n addi t0, t0, 0x155`,
  )
  const reserve = ['w', 'd'].map(
    width => `
      addi t1, s0, ${rows.length * 8}
      lr.${width} a0, (t1)
      add a0, a0, t0
      sc.${width} a1, a0, (t1)
      add s1, s1, a1
      sc.${width} a1, t0, (t1)
      add s1, s1, a1`,
  )
  return `
    la s0, cells
    li s2, ${ROUNDS}
    again:
    ${[...each, ...reserve].join('\n')}
    fence rw, rw
    fence.i
    addi s2, s2, -1
    bnez s2, again
    done: j done
    .align 12
    cells: ${cells.map(cell => `.dword ${cell}`).join('\n')}`
}

/** Needs what only isolated pages have. */
describe('memory that other threads may access', () => {
  const kinds = ['ordered', 'weak'] as const
  const all = kinds.flatMap(sharing => TIERS.map(([tier, after]) => [sharing, tier, after] as const))

  test.each(all)('atomic operations do the same: %s, %s', (sharing, _tier, translateAfter) => {
    const cells = Array.from({ length: 2 * OPERATIONS.length + 1 }, value)
    const run = (place?: EnginePlace): readonly unknown[] => {
      const { cpu, hart, symbols } = machineWith(program(cells), translateAfter, place)
      hart.setX(5, 0x1234_5678_9abc_def0n)
      hart.run(20_000)
      expect(hart.pc).toBe(symbols.get('done'))
      const memory = new Uint8Array(cells.length * 8)
      cpu.memory.read(Number(symbols.get('cells')), memory)
      return [hart.x(9), hart.retired, memory]
    }
    expect(run({ index: 0, count: 2, sharing })).toEqual(run())
  })

  // Code that says where in memory it is going to be changed by "another thread": the test, past the engine's eyes.
  const patched = (machine: TestMachine): void => {
    const at = Number(machine.symbols.get('patch')) - RAM
    const frame = machine.cpu.engine.frames.frame(at >> 12)
    // addi a0, zero, 2
    new DataView(machine.cpu.engine.memory.buffer).setUint32(frame + (at & 0xfff), 0x0020_0513, true)
  }
  test.each(all)('code that another thread wrote is run after FENCE.I: %s, %s', (sharing, _tier, translateAfter) => {
    const text = `
      again: jal ra, patch
      fence.i
      j again
      .align 12
      patch: addi a0, zero, 1
      ret`
    const machine = machineWith(text, translateAfter, { index: 0, count: 2, sharing })
    const { hart } = machine
    hart.run(100)
    expect(hart.x(10)).toBe(1n)
    patched(machine)
    hart.run(100)
    expect(hart.x(10)).toBe(2n)
  })
})
