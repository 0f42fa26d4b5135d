import { hostClock, MIB, seededEntropy } from '@doppel/base'
import { type VirtBoot, VirtMachine } from '@doppel/board'
import { assemble } from '@doppel/engine'
import { createRiscvCpu, RISCV_ISA, riscvAssembly, ThreadedCpu } from '@doppel/riscv'
import { afterEach, expect, test } from 'vitest'
import { hartThreads } from './threads.ts'

const KERNEL = 0x8020_0000
/** SBI calls: extension and function, as the specification numbers them. */
const call = (extension: number, functionId: number, ...args: readonly (number | string)[]): string =>
  [
    ...args.map((arg, i) => (typeof arg === 'string' ? `la a${i}, ${arg}` : `li a${i}, ${arg}`)),
    `li a6, ${functionId}`,
    `li a7, ${extension}`,
    'ecall',
  ].join('\n')
const HSM = 0x48534d
const [startOther, stopSelf] = [call(HSM, 0, 1, 'second', 0), call(HSM, 1)]
const powerOff = call(0x5352_5354, 0, 0, 0)
const interrupt = (mask: number): string => call(0x73_5049, 0, mask, 0)
const [fenceCode, fenceMemory] = [call(0x5246_4e43, 0, 2, 0), call(0x5246_4e43, 1, 2, 0, 0, 0)]
/** Sleeps until a software interrupt is pending, and clears it. */
const awaitInterrupt = (label: string): string => `
  ${label}: wfi
  csrrs t0, sip, zero
  andi t0, t0, 2
  beqz t0, ${label}
  csrrci zero, sip, 2`

interface Made {
  readonly vm: VirtMachine
  readonly symbols: ReadonlyMap<string, bigint>
  readonly word: (label: string) => number
}

const made: { close(): void }[] = []
afterEach(() => {
  for (const each of made.splice(0)) each.close()
})

/** A machine whose hart 0 begins with the program, in S-mode with the board as firmware. */
function machine(program: string, { threads = true, boot }: { threads?: boolean; boot?: VirtBoot } = {}): Made {
  const { bytes, symbols } = assemble(riscvAssembly, program, { origin: BigInt(KERNEL) })
  const vm = new VirtMachine({
    cpus: 2,
    memoryBytes: 16 * MIB,
    createCpu: config => {
      if (!threads) return createRiscvCpu(config, {})
      const cpu = new ThreadedCpu(config, { ...hartThreads(), translateAfter: 100 })
      made.push(cpu)
      return cpu
    },
    isa: RISCV_ISA,
    clock: hostClock(),
    entropy: seededEntropy(1n),
    console: { write: () => undefined, onInput: () => undefined },
    boot: boot ?? { kernel: { name: 'kernel', bytes } },
  })
  const word = (label: string): number => {
    const read = new Uint8Array(4)
    vm.cpu.memory.read(Number(symbols.get(label)), read)
    return new DataView(read.buffer).getUint32(0, true)
  }
  return { vm, symbols, word }
}

test('harts start each other, and wake each other from WFI a thousand times', async () => {
  const { vm } = machine(`
    li s0, 1000
    csrrwi zero, sie, 2
    ${startOther}
    rounds: ${awaitInterrupt('first_waits')}
    ${interrupt(2)}
    addi s0, s0, -1
    bnez s0, rounds
    ${powerOff}
    second: csrrwi zero, sie, 2
    again: ${interrupt(1)}
    ${awaitInterrupt('second_waits')}
    j again`)
  expect(await vm.run()).toEqual({ kind: 'poweroff' })
})

test('a hart that sleeps wakes at its timer, a hundred times', async () => {
  const { vm } = machine(`
    li s0, 100
    li t0, 32
    csrrw zero, sie, t0
    rounds: csrrs t0, time, zero
    li t1, 3000
    add s1, t0, t1
    csrrw zero, stimecmp, s1
    sleep: wfi
    csrrs t0, time, zero
    bltu t0, s1, sleep
    addi s0, s0, -1
    bnez s0, rounds
    ${powerOff}
    second: j second`)
  expect(await vm.run()).toEqual({ kind: 'poweroff' })
})

test('code that one hart writes the other runs once the firmware has fenced it', async () => {
  const { vm } = machine(`
    la s0, patch
    la s1, seen
    lw s2, 0(s0)
    ${startOther}
    li s3, 200
    rounds: li t0, 0x100000
    add s2, s2, t0
    sw s2, 0(s0)
    ${fenceCode}
    ${fenceMemory}
    # What the other hart had in hand at the fence comes first.
    amoswap.w.aqrl zero, zero, (s1)
    stale: lw t1, 0(s1)
    beqz t1, stale
    amoswap.w.aqrl zero, zero, (s1)
    look: lw t1, 0(s1)
    beqz t1, look
    srliw t2, s2, 20
    bne t1, t2, wrong
    addi s3, s3, -1
    bnez s3, rounds
    ${powerOff}
    wrong: j wrong
    second: la s0, seen
    over: jal ra, patch
    amoswap.w.aqrl zero, a0, (s0)
    j over
    .align 12
    patch: addi a0, zero, 1
    ret
    .align 12
    seen: .word 0`)
  expect(await vm.run()).toEqual({ kind: 'poweroff' })
})

/** Both harts count, each in a word of its own. */
const COUNTING = `
    ${startOther}
    la s0, first_count
    j count
    second: la s0, second_count
    count: lw t0, 0(s0)
    addiw t0, t0, 1
    sw t0, 0(s0)
    j count
    .align 12
    first_count: .word 0
    .align 12
    second_count: .word 0`
const wait = (ms: number): Promise<void> => new Promise(resolve => void setTimeout(resolve, ms))
async function counts({ word }: Made): Promise<void> {
  const before = [word('first_count'), word('second_count')]
  for (;;) {
    await wait(5)
    if (word('first_count') !== before[0] && word('second_count') !== before[1]) return
  }
}

test('no hart runs while the machine is paused; both go on afterwards, and end when it is stopped', async () => {
  const counting = machine(COUNTING)
  const { vm, word } = counting
  const end = vm.run()
  for (let i = 0; i < 5; i++) {
    await counts(counting)
    await vm.pause()
    const then = [word('first_count'), word('second_count'), ...vm.cpu.harts.map(hart => hart.retired)]
    await wait(20)
    expect([word('first_count'), word('second_count'), ...vm.cpu.harts.map(hart => hart.retired)]).toEqual(then)
    vm.resume()
  }
  vm.stop()
  expect(await end).toEqual({ kind: 'stopped' })
})

test.each([
  ['on threads', true],
  ['in turn', false],
])('what is saved while harts have threads goes on elsewhere, %s', async (_where, threads) => {
  const counting = machine(COUNTING)
  const end = counting.vm.run()
  await counts(counting)
  await counting.vm.pause()
  const restored = await counting.vm.save()
  const pages = new Map([...counting.vm.cpu.touchedPages()].map(([page, bytes]) => [page, bytes.slice()]))
  const before = counting.word('first_count')
  counting.vm.stop()
  await end
  const page = (number: number, into: Uint8Array): void => void (pages.has(number) && into.set(pages.get(number) ?? []))
  const clone = machine(COUNTING, { threads, boot: { restored, page } })
  expect(clone.word('first_count')).toBe(before)
  const cloneEnd = clone.vm.run()
  await counts(clone)
  clone.vm.stop()
  expect(await cloneEnd).toEqual({ kind: 'stopped' })
})

test('a machine whose harts all stop has halted; one that only traps is stuck', async () => {
  const stopping = machine(`${startOther}\n second: ${stopSelf}\n nop`)
  expect(await stopping.vm.run()).toEqual({ kind: 'halted' })
  const trapping = machine('csrrwi zero, stvec, 0\n .word 0\n second: nop')
  expect(await trapping.vm.run()).toMatchObject({ kind: 'stuck', trap: { hart: 0, mode: 'supervisor', handler: 0n } })
})

test('a fixed length of slices is refused', () => {
  const createCpu = (config: ConstructorParameters<typeof ThreadedCpu>[0]): ThreadedCpu =>
    new ThreadedCpu(config, hartThreads())
  const config = { cpus: 2, memoryBytes: 16 * MIB, createCpu, isa: RISCV_ISA, clock: hostClock() }
  const rest = { entropy: seededEntropy(1n), console: { write: () => undefined, onInput: () => undefined } }
  const boot = { kernel: { name: 'kernel', bytes: new Uint8Array(8) } }
  expect(() => new VirtMachine({ ...config, ...rest, boot, sliceInstructions: 1000 })).toThrow(
    expect.objectContaining({ code: 'board.slices' }),
  )
})
