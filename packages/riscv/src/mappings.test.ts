import { expect, test } from 'vitest'
import { machineWith, RAM } from '../test/machines.ts'
import { mappedRanges } from './mappings.ts'

const [ROOT, MIDDLE, LEAVES] = [RAM + 0x10000, RAM + 0x11000, RAM + 0x12000]
const [V, R, W, X, A, D] = [1n, 2n, 4n, 8n, 64n, 128n]

test('page tables are told of as ranges, neighbours of one kind together', () => {
  const { cpu, hart } = machineWith('nop', 0)
  const put = (table: number, index: number, gpa: number, bits: bigint): void => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, ((BigInt(gpa) >> 12n) << 10n) | bits, true)
    cpu.memory.write(table + 8 * index, bytes)
  }
  expect(mappedRanges(cpu, hart)).toBeUndefined()
  // 1 GiB of the upper half, then two pages that follow one another, and one that does not.
  put(ROOT, 510, 0x8000_0000, V | R | X | A)
  put(ROOT, 0, MIDDLE, V)
  put(MIDDLE, 0, LEAVES, V)
  put(LEAVES, 4, RAM, V | R | W | A | D)
  put(LEAVES, 5, RAM + 0x1000, V | R | W | A | D)
  put(LEAVES, 6, RAM, V | R)
  hart.writeCsr('satp', (8n << 60n) | (BigInt(ROOT) >> 12n))
  expect(mappedRanges(cpu, hart)).toEqual([
    { gva: 0x4000n, gpa: BigInt(RAM), lengthBytes: 0x2000n, flags: 'rw---ad' },
    { gva: 0x6000n, gpa: BigInt(RAM), lengthBytes: 0x1000n, flags: 'r------' },
    { gva: 0xffff_ffff_8000_0000n, gpa: 0x8000_0000n, lengthBytes: 1n << 30n, flags: 'r-x--a-' },
  ])
})

test('tables that lead into one another come to an end', () => {
  const { cpu, hart } = machineWith('nop', 0)
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, ((BigInt(ROOT) >> 12n) << 10n) | V, true)
  for (let index = 0; index < 512; index++) cpu.memory.write(ROOT + 8 * index, bytes)
  hart.writeCsr('satp', (10n << 60n) | (BigInt(ROOT) >> 12n))
  expect(mappedRanges(cpu, hart)).toEqual([])
})
