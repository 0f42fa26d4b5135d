import { type CharPort, hostClock, MIB, seededEntropy } from '@doppel/base'
import { type FaultRates, VirtMachine } from '@doppel/board'
import { virtioBlk } from '@doppel/devices'
import { assemble } from '@doppel/engine'
import { MemoryStore } from '@doppel/images'
import { type DiskMoment, frozenStore, LiveTape, OverlayDisk, Timeline } from '@doppel/monitor'
import { createRiscvCpu, RISCV_ISA, riscvAssembly, RiscvDebug } from '@doppel/riscv'
import { expect, test } from 'vitest'
import { DISK_PROGRAM } from '../../../testkit/test/disk-program.ts'
import { type RunMoment, timeTravel } from './time-travel.ts'

const RAM = 0x8000_0000n
const SECTORS = 8
const { bytes, symbols } = assemble(riscvAssembly, DISK_PROGRAM, { origin: RAM })
const TIERS: readonly (readonly [string, number])[] = [
  ['interpreted', 0],
  ['translated', 1],
]
const HASH_EVERY = 250_000

/** A disk that the host takes its time with; a different one at each request. */
class SlowStore extends MemoryStore {
  #reads = 0
  override async read(offset: number, into: Uint8Array): Promise<void> {
    if (this.#reads++ % 5 === 0) await new Promise(done => setTimeout(done, 2))
    await super.read(offset, into)
  }
}

/** A machine that runs the program until it is told to stop, its disk, and its past. */
function machine(translateAfter: number, seed = 3, rates: FaultRates = {}) {
  const faults: string[] = []
  const silent: CharPort = { write: () => undefined, onInput: () => undefined }
  const timeline = new Timeline<RunMoment>(new LiveTape(), { everySteps: 2_000_000 })
  const hashes = new Map<bigint, string>()
  const differing: bigint[] = []
  let waiter: { readonly at: bigint; readonly resolve: () => void } | undefined
  const base = frozenStore(new SlowStore(new Uint8Array(SECTORS * 512)), { path: '', sizeBytes: 0, modifiedNs: 0n })
  const disk = new OverlayDisk(base)
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
    entropy: seededEntropy(1n),
    console: silent,
    virtio: [virtioBlk({ store: disk })],
    transport: 'mmio',
    boot: { firmware: { name: 'program', bytes } },
    deterministic: {
      seed,
      faults: { rates, onFault: ({ kind, instructions }) => void faults.push(`${kind} ${instructions}`) },
      tape: timeline,
      hashEvery: HASH_EVERY,
      onHash: (instructions, hash) => {
        if ((hashes.get(instructions) ?? hash) !== hash) differing.push(instructions)
        hashes.set(instructions, hash)
        if (!waiter || instructions < waiter.at) return
        void vm.pause()
        waiter.resolve()
        waiter = undefined
      },
    },
  })
  const debug = target as unknown as RiscvDebug
  const travel = timeTravel(timeline, vm, debug, { pause: () => vm.pause(), resume: () => vm.resume() }, [disk])
  const ended = vm.run()
  return {
    vm,
    debug,
    travel,
    timeline,
    disk,
    hashes,
    differing,
    faults,
    runTo: async (instructions: bigint) => {
      const there = Promise.withResolvers<void>()
      waiter = { at: instructions, resolve: there.resolve }
      vm.resume()
      await there.promise
      await vm.pause()
    },
    /** The first word of each sector. */
    words: async () => {
      const content = new Uint8Array(SECTORS * 512)
      await disk.read(0, content)
      return Array.from({ length: SECTORS }, (_, i) => new DataView(content.buffer).getUint32(i * 512, true))
    },
    stop: async () => {
      vm.stop()
      await ended
    },
  }
}

test('a machine with a disk runs the same to the bit, in either tier, however long the host takes', async () => {
  const runs: unknown[] = []
  for (const [, heat] of [...TIERS, ...TIERS]) {
    const made = machine(heat)
    await made.runTo(30_000_000n)
    runs.push([[...made.hashes], await made.words()])
    await made.stop()
  }
  const [first, ...others] = runs as [[bigint, string][], number[]][]
  expect(first?.[1].every(word => word > 0)).toBe(true)
  for (const other of others) expect(other).toEqual(first)
  const otherwise = machine(1, 4)
  await otherwise.runTo(30_000_000n)
  expect([...otherwise.hashes]).not.toEqual(first?.[0])
  await otherwise.stop()
})

test.each(TIERS)('back over what was written, and forward again, is the same run (%s)', async (_name, heat) => {
  const made = machine(heat)
  const { timeline } = made
  const seen: (readonly [number, number[]])[] = []
  for (let at = 4_000_000n; at <= 24_000_000n; at += 4_000_000n) {
    await made.runTo(at)
    seen.push([timeline.now, await made.words()])
  }
  const state = made.vm.stateHash()
  // Requests are under way at many a checkpoint, and the disk is another one at each.
  expect(timeline.checkpoints.length).toBeGreaterThan(8)
  const contents = new Set<DiskMoment | undefined>(timeline.checkpoints.map(({ moment }) => moment.disks[0]))
  expect(contents.size).toBeGreaterThan(8)
  for (const checkpoint of [...timeline.checkpoints].reverse()) {
    timeline.returnTo(checkpoint)
    const before = seen.findLast(([at]) => at <= checkpoint.at)?.[1] ?? Array.from({ length: SECTORS }, () => 0)
    const after = seen.find(([at]) => at >= checkpoint.at)?.[1] as number[]
    for (const [sector, word] of (await made.words()).entries()) {
      expect(word).toBeGreaterThanOrEqual(before[sector] as number)
      expect(word).toBeLessThanOrEqual(after[sector] as number)
    }
    await made.runTo(24_000_000n)
    expect(made.vm.stateHash()).toBe(state)
    expect(await made.words()).toEqual(seen.at(-1)?.[1])
  }
  expect(made.differing).toEqual([])
  await made.stop()
})

test('running backwards meets each write to the buffer, and the disk is then what it was', async () => {
  const made = machine(1)
  const { debug, travel } = made
  await made.runTo(16_000_000n)
  const buffer = 0x8000_5200n
  debug.setBreakpoint(0, symbols.get('bump') as bigint)
  let last = Infinity
  for (let i = 0; i < 5; i++) {
    expect(await travel.continueBack(0)).toMatchObject({ isStart: false, thread: 0 })
    const total = (await made.words()).reduce((sum, word) => sum + word, 0)
    const read = new DataView(debug.readMemory(0, buffer, 4, true).slice().buffer).getUint32(0, true)
    // Each round adds one to one sector; this one is still to be written.
    expect(total).toBeLessThan(last)
    expect(await made.words()).toContain(read)
    last = total
  }
  debug.clearBreakpoint(symbols.get('bump') as bigint)
  await made.runTo(20_000_000n)
  expect(made.differing).toEqual([])
  await made.stop()
})

test('a checkpoint has the requests under way', async () => {
  const made = machine(1)
  await made.runTo(16_000_000n)
  const count = (): number => {
    const disk = made.timeline.checkpoints.at(-1)?.moment.board.devices.mmio?.[0]?.core.device
    return (disk as unknown as { readonly requests: readonly unknown[] }).requests.length
  }
  expect(count()).toBeGreaterThan(0)
  await made.stop()
})

test.each(TIERS)(
  'faults strike at the same places each time, and when gone through again (%s)',
  async (_name, heat) => {
    const rates: FaultRates = {
      'disk-error': { oneIn: 5 },
      'torn-write': { oneIn: 5 },
      'irq-delay': { oneIn: 3, mostNs: 300_000 },
      'clock-jump': { oneIn: 2_000_000, mostNs: 1_000_000 },
      'bit-flip': { oneIn: 4_000_000 },
    }
    const first = machine(heat, 3, rates)
    await first.runTo(24_000_000n)
    const kinds = new Set(first.faults.map(fault => fault.split(' ')[0]))
    expect(kinds).toEqual(new Set(Object.keys(rates)))
    const again = machine(heat, 3, rates)
    await again.runTo(24_000_000n)
    expect([again.faults, [...again.hashes]]).toEqual([first.faults, [...first.hashes]])
    await again.stop()
    const told = first.faults.length
    for (const checkpoint of [...first.timeline.checkpoints].reverse()) {
      first.timeline.returnTo(checkpoint)
      await first.runTo(24_000_000n)
    }
    expect([first.differing, first.faults.length]).toEqual([[], told])
    await first.stop()
  },
)
