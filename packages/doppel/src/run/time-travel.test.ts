import { type CharPort, hostClock, MIB, seededEntropy, utf8Bytes, utf8Text } from '@doppel/base'
import { VirtMachine } from '@doppel/board'
import { assemble } from '@doppel/engine'
import { LiveTape, Timeline, type Travel } from '@doppel/monitor'
import { createRiscvCpu, RISCV_ISA, riscvAssembly, RiscvDebug } from '@doppel/riscv'
import { expect, test } from 'vitest'
import { type RunMoment, timeTravel } from './time-travel.ts'

const RAM = 0x8000_0000n
/** Two harts that fight for a lock, count, print, wait for a timer's interrupts and take what is typed. */
const PROGRAM = `
  la t0, handler
  csrw mtvec, t0
  la s0, shared
  slli t1, a0, 3
  la s2, counters
  add s2, s2, t1
  li t2, 0x2004000
  add s3, t2, t1
  li s6, 0x200bff8
  ld t3, 0(s6)
  addi t3, t3, 200
  sd t3, 0(s3)
  li t5, 128
  csrw mie, t5
  csrsi mstatus, 8
  li s8, 0x10000000
take: lr.w t0, (s0)
  bnez t0, take
  li t1, 1
  sc.w t1, t1, (s0)
  bnez t1, take
  ld t2, 8(s0)
  addi t2, t2, 1
bump: sd t2, 8(s0)
  amoswap.w zero, zero, (s0)
  ld t2, 0(s2)
  addi t2, t2, 1
  sd t2, 0(s2)
  andi t3, t2, 511
  bnez t3, take
  li t1, 46
  lbu t3, 5(s8)
  andi t3, t3, 1
  beqz t3, say
  lbu t1, 0(s8)
typed: sd t1, 24(s0)
say: sb t1, 0(s8)
  wfi
  j take
.align 2
handler: ld s5, 0(s6)
  addi s5, s5, 200
  sd s5, 0(s3)
  ld s7, 16(s0)
  addi s7, s7, 1
  sd s7, 16(s0)
  mret
.org 0x80001000
shared: .dword 0
  .dword 0
  .dword 0
  .dword 0
counters: .dword 0
  .dword 0
`
const { bytes, symbols } = assemble(riscvAssembly, PROGRAM, { origin: RAM })
const at = (label: string): bigint => symbols.get(label) as bigint
const TIERS: readonly (readonly [string, number])[] = [
  ['interpreted', 0],
  ['translated', 1],
]
const HASH_EVERY = 100_000

/** A machine that runs the program until it is told to stop, and its past. */
function machine(translateAfter: number) {
  let printed = ''
  let type: (bytes: Uint8Array) => void = () => undefined
  const port: CharPort = {
    write: words => void (printed += utf8Text(words)),
    onInput: receive => void (type = receive),
  }
  const timeline = new Timeline<RunMoment>(new LiveTape(), { everySteps: 400_000 })
  const hashes = new Map<bigint, string>()
  const differing: bigint[] = []
  const waiters: { readonly at: bigint; readonly resolve: () => void }[] = []
  const entropy = seededEntropy(1n)
  let target: RiscvDebug | undefined
  const vm: VirtMachine = new VirtMachine({
    cpus: 2,
    memoryBytes: 2 * MIB,
    createCpu: config => {
      const cpu = createRiscvCpu(config, { translateAfter })
      target = new RiscvDebug(cpu, { isDeterministic: true })
      return cpu
    },
    isa: RISCV_ISA,
    clock: hostClock(),
    entropy,
    console: timeline.port('uart', port),
    boot: { firmware: { name: 'program', bytes } },
    deterministic: {
      // Short turns and long ones.
      seed: 3,
      tape: timeline,
      hashEvery: HASH_EVERY,
      onHash: (instructions, hash) => {
        if ((hashes.get(instructions) ?? hash) !== hash) differing.push(instructions)
        hashes.set(instructions, hash)
        const waiter = waiters[0]
        if (!waiter || instructions < waiter.at) return
        waiters.shift()
        void vm.pause()
        waiter.resolve()
      },
    },
  })
  const debug = target as unknown as RiscvDebug
  const travel: Travel = timeTravel(timeline, vm, debug, { pause: () => vm.pause(), resume: () => vm.resume() })
  const ended = vm.run()
  return {
    vm,
    debug,
    travel,
    timeline,
    hashes,
    differing,
    printed: () => printed,
    type: (text: string) => type(utf8Bytes(text)),
    /** Runs until a hash is taken after so many instructions, and stands still then. */
    runTo: async (instructions: bigint) => {
      const there = Promise.withResolvers<void>()
      waiters.push({ at: instructions, resolve: there.resolve })
      vm.resume()
      await there.promise
      await vm.pause()
    },
    stop: async () => {
      vm.stop()
      await ended
    },
  }
}
type Made = ReturnType<typeof machine>
const read = ({ debug }: Made, label: string, offset: bigint): bigint =>
  new DataView(debug.readMemory(0, at(label) + offset, 8, true).slice().buffer).getBigUint64(0, true)
const pcOf = ({ vm }: Made, thread: number): bigint => (vm.cpu.harts[thread] as unknown as { pc: bigint }).pc

test.each(TIERS)('a run that is gone through again from any checkpoint is the same run (%s)', async (_name, heat) => {
  const made = machine(heat)
  const { timeline, hashes, differing } = made
  await made.runTo(1_500_000n)
  // What is typed here comes before the hash when it comes again.
  hashes.delete(made.vm.position.instructions)
  made.type('ab')
  await made.runTo(5_000_000n)
  const printed = made.printed()
  expect(printed).toMatch(/\.a.*b/)
  const state = made.vm.stateHash()
  const known = hashes.size
  expect(timeline.checkpoints.length).toBeGreaterThan(8)
  for (const checkpoint of [...timeline.checkpoints].reverse()) {
    timeline.returnTo(checkpoint)
    await made.runTo(5_000_000n)
    expect(made.vm.stateHash()).toBe(state)
  }
  expect([differing, hashes.size]).toEqual([[], known + 1])
  // What it printed again went nowhere.
  expect(made.printed()).toBe(printed)
  // Beyond what has been, it goes on.
  await made.runTo(6_000_000n)
  expect(made.printed().length).toBeGreaterThan(printed.length)
  await made.stop()
})

test('the interpreter and the translator have one past', async () => {
  const states: unknown[] = []
  for (const [, heat] of TIERS) {
    const made = machine(heat)
    await made.runTo(3_000_000n)
    made.timeline.returnTo(made.timeline.checkpoints[3] as (typeof made.timeline.checkpoints)[0])
    await made.runTo(3_000_000n)
    states.push([...made.hashes])
    expect(made.differing).toEqual([])
    await made.stop()
  }
  expect(states[1]).toEqual(states[0])
})

test.each(TIERS)('running backwards meets each hit that running forwards met, in turn (%s)', async (_name, heat) => {
  const made = machine(heat)
  const { debug, travel, timeline } = made
  await made.runTo(2_000_000n)
  const here = debug.position(0)
  // Forwards from a checkpoint on: all interrupts, and all that is printed.
  const forwards: unknown[] = []
  timeline.returnTo(timeline.checkpoints[1] as (typeof timeline.checkpoints)[0])
  debug.setBreakpoint(0, at('handler'))
  debug.setWatchpoint(0, at('counters'), 8, 'write')
  debug.onPass = stop => {
    const { total } = debug.position(stop.thread)
    if (total < here.total) forwards.push([total, stop.thread, pcOf(made, stop.thread)])
  }
  await made.runTo(2_000_000n)
  debug.onPass = undefined
  expect(forwards.length).toBeGreaterThan(100)
  for (const [total, thread, pc] of forwards.slice(-12).reverse() as [number, number, bigint][]) {
    const landing = await travel.continueBack(0)
    expect([landing.isStart, landing.thread]).toEqual([false, thread])
    const position = debug.position(thread)
    // A write is told of once it has been made; GDB then goes back before it.
    if (landing.watched) await travel.stepBack(thread)
    expect([debug.position(thread).total, pcOf(made, thread)]).toEqual([total, pc])
    expect(position.total - total).toBe(landing.watched ? 1 : 0)
  }
  debug.clearBreakpoint(at('handler'))
  debug.clearWatchpoint(at('counters'), 8, 'write')
  expect(await travel.continueBack(0)).toMatchObject({ isStart: true })
  expect(debug.position(0).total).toBe(0)
  // And all the way again.
  await made.runTo(2_000_000n)
  expect(made.differing).toEqual([])
  await made.stop()
})

test.each(TIERS)('steps back undo steps, one by one, traps among them (%s)', async (_name, heat) => {
  const made = machine(heat)
  const { debug, travel } = made
  await made.runTo(1_000_000n)
  debug.setBreakpoint(0, at('handler'))
  const { thread } = await travel.continueBack(0)
  debug.clearBreakpoint(at('handler'))
  const places: unknown[] = []
  for (let i = 0; i < 12; i++) {
    places.push([debug.position(thread).steps, pcOf(made, thread)])
    await travel.stepBack(thread)
  }
  // Forwards again, a step at a time.
  for (const place of places.reverse()) {
    const stopped = Promise.withResolvers<void>()
    const { steps } = debug.position(thread)
    debug.onStop = () => {
      void made.vm.pause()
      stopped.resolve()
    }
    debug.stopAt({ thread, steps: steps + 1 })
    made.vm.resume()
    await stopped.promise
    await made.vm.pause()
    debug.stopAt(undefined)
    expect([debug.position(thread).steps, pcOf(made, thread)]).toEqual(place)
  }
  await made.stop()
})

test('where nothing but writes is watched, stretches in which the page stays as it is are passed over', async () => {
  const made = machine(1)
  const { debug, travel } = made
  await made.runTo(900_000n)
  made.type('x')
  await made.runTo(4_000_000n)
  const value = read(made, 'shared', 24n)
  debug.setWatchpoint(0, at('shared') + 24n, 8, 'write')
  const landing = await travel.continueBack(0)
  expect([value, landing.watched]).toEqual([120n, { address: at('shared') + 24n, kind: 'write' }])
  await travel.stepBack(landing.thread)
  expect([pcOf(made, landing.thread), read(made, 'shared', 24n)]).toEqual([at('typed'), 0n])
  await made.stop()
})

test('where code was run long ago, stretches in which its page is not run are passed over', async () => {
  const made = machine(1)
  const { debug, travel, timeline } = made
  await made.runTo(4_000_000n)
  debug.setBreakpoint(0, RAM + 0x2000n)
  expect(debug.stoppingPages()).toEqual({ written: [], run: [2] })
  expect(timeline.checkpoints.slice(1).map(({ run }) => [run.has(0), run.has(2)])).toEqual(
    timeline.checkpoints.slice(1).map(() => [true, false]),
  )
  expect(await travel.continueBack(0)).toMatchObject({ isStart: true })
  await made.stop()
})

test('what a debugger writes begins another past', async () => {
  const made = machine(1)
  const { debug, travel } = made
  await made.runTo(1_000_000n)
  debug.writeMemory(0, at('shared') + 16n, Uint8Array.of(9, 9), true)
  travel.changed()
  expect(await travel.continueBack(0)).toMatchObject({ isStart: true })
  await made.runTo(2_000_000n)
  const state = made.vm.stateHash()
  expect(await travel.continueBack(0)).toMatchObject({ isStart: true })
  expect(made.vm.position.instructions).toBeGreaterThan(999_000n)
  await made.runTo(2_000_000n)
  expect(made.vm.stateHash()).toBe(state)
  await made.stop()
})
