import { seededEntropy } from '@doppel/base'
import { expect, test } from 'vitest'
import { machineWith, RAM } from '../test/machines.ts'

const random = seededEntropy(3n)
const word = (): bigint => {
  const bytes = new Uint8Array(8)
  random.fill(bytes)
  return new DataView(bytes.buffer).getBigUint64(0, true)
}
const NAMES = ['sstatus', 'sscratch', 'sepc', 'scause', 'stval', 'stvec', 'scounteren', 'senvcfg']
const OPERATIONS = [
  { mnemonic: 'csrrw', apply: (_old: bigint, value: bigint) => value },
  { mnemonic: 'csrrs', apply: (old: bigint, value: bigint) => old | value },
  { mnemonic: 'csrrc', apply: (old: bigint, value: bigint) => BigInt.asUintN(64, old & ~value) },
] as const
const ALWAYS = ['mstatus', 'mie', 'mip', ...NAMES]

test.each(NAMES.flatMap(name => OPERATIONS.map(o => [o.mnemonic, name, o] as const)))(
  '%s on %s does what the host does',
  (_mnemonic, name, { mnemonic, apply }) => {
    const { hart } = machineWith(`${mnemonic} a0, ${name}, a1\n loop: j loop`, 0)
    const judge = machineWith('loop: j loop', 0).hart
    for (let i = 0; i < 60; i++) {
      for (const h of [hart, judge]) {
        h.start({ pc: BigInt(RAM), privilege: 1, a0: 0n, a1: 0n })
        h.pmp.writeAddress(0, (1n << 54n) - 1n)
        h.pmp.writeConfig(0, 0x1fn)
      }
      const before = word()
      // Often only one bit differs, as when a kernel turns interrupts off.
      const value = i % 2 === 0 ? word() : 1n << (word() % 20n)
      for (const h of [hart, judge]) {
        h.writeCsr('mideleg', 0x222n)
        h.writeCsr('mie', 0n)
        h.writeCsr('mstatus', before & ~0x1800n)
        h.writeCsr(name, before)
      }
      const old = judge.readCsr(name)
      judge.writeCsr(name, apply(old, value))
      hart.setX(11, value)
      hart.run(1)
      expect(hart.x(10), `${name} was ${before.toString(16)}`).toBe(old)
      for (const each of ALWAYS) expect([each, hart.readCsr(each)]).toEqual([each, judge.readCsr(each)])
    }
  },
)

test('turning interrupts on takes the one that waits, before the next instruction', () => {
  const { hart, symbols } = machineWith(
    'csrrs zero, sstatus, a1\n addi a0, a0, 1\n loop: j loop\n .org 0x80000100\n handler: j handler',
    0,
  )
  hart.start({ pc: BigInt(RAM), privilege: 1, a0: 0n, a1: 2n })
  hart.writeCsr('mideleg', 0x222n)
  hart.writeCsr('mie', 0x200n)
  hart.writeCsr('stvec', symbols.get('handler') ?? 0n)
  hart.pmp.writeAddress(0, (1n << 54n) - 1n)
  hart.pmp.writeConfig(0, 0x1fn)
  hart.setInterrupt(9, true)
  hart.run(10)
  expect([hart.x(10), hart.readCsr('scause'), hart.readCsr('sepc')]).toEqual([0n, (1n << 63n) | 9n, BigInt(RAM + 4)])
})
