import { hostClock, MIB, seededEntropy } from '@doppel/base'
import { type Moment, type VirtBoot, VirtMachine } from '@doppel/board'
import { virtioBlk } from '@doppel/devices'
import { assemble } from '@doppel/engine'
import { type DiskMoment, type FrozenDisk, LiveTape, OverlayDisk, Timeline } from '@doppel/monitor'
import { createRiscvCpu, RISCV_ISA, riscvAssembly, RiscvDebug } from '@doppel/riscv'
import { DISK_PROGRAM } from '../test/disk-program.ts'

/** A deterministic boot that is watched; everything in it also exists in a page. */
export interface HashedBoot {
  /** Linux; without it, a program that writes its disk. */
  readonly linux?: { readonly kernel: Uint8Array; readonly initrd: Uint8Array }
  readonly harts: number
  readonly seed: number
  /** Arrivals after which code is translated; 0 for never. */
  readonly translateAfter: number
  /** Instructions between hashes, and after which the machine is ended. */
  readonly hashEvery: number
  readonly until: number
  /** The run is gone through once more, from the checkpoint in its middle. */
  readonly resumes?: boolean
}

/** Sectors of the program's disk, zeros at first. */
const SECTORS = 8
const RAM = 0x8000_0000n
const BLANK: FrozenDisk = {
  sizeBytes: SECTORS * 512,
  file: undefined,
  ownChunks: () => [],
  read: (_offset, into) => Promise.resolve(void into.fill(0)),
  retain: () => undefined,
  release: () => Promise.resolve(),
}

function bootOf({ linux }: HashedBoot): VirtBoot {
  if (!linux)
    return { firmware: { name: 'program', bytes: assemble(riscvAssembly, DISK_PROGRAM, { origin: RAM }).bytes } }
  return {
    kernel: { name: 'kernel', bytes: linux.kernel },
    initrd: { name: 'initrd', bytes: linux.initrd },
    append: 'console=ttyS0 earlycon=sbi',
  }
}

/** The state's hashes, each after the instructions retired, those from the middle on once more, what the guest has printed, and what each sector of its disk begins with. */
export async function hashedBoot(options: HashedBoot): Promise<{
  readonly hashes: string[]
  readonly again: string[]
  readonly printed: string
  readonly words: readonly number[]
}> {
  const hashes: string[] = []
  const again: string[] = []
  const timeline = options.resumes ? new Timeline<{ board: Moment; disk: DiskMoment }>(new LiveTape()) : undefined
  const disk = new OverlayDisk(BLANK)
  const print = (bytes: Uint8Array): void => void (printed += decoder.decode(bytes))
  const console = { write: print, onInput: () => undefined }
  let target: RiscvDebug | undefined
  let into = hashes
  const decoder = new TextDecoder()
  let printed = ''
  const vm: VirtMachine = new VirtMachine({
    cpus: options.harts,
    memoryBytes: 256 * MIB,
    createCpu: config => {
      const cpu = createRiscvCpu(config, { translateAfter: options.translateAfter })
      target = new RiscvDebug(cpu, { isDeterministic: true })
      return cpu
    },
    isa: RISCV_ISA,
    clock: hostClock(),
    entropy: seededEntropy(BigInt(options.seed)),
    console: timeline?.port('uart', console) ?? console,
    ...(!options.linux && { virtio: [virtioBlk({ store: disk })], transport: 'mmio' as const }),
    boot: bootOf(options),
    deterministic: {
      seed: options.seed,
      hashEvery: options.hashEvery,
      onHash: (instructions, hash) => {
        into.push(`${instructions} ${hash}`)
        if (instructions >= BigInt(options.until)) vm.stop()
      },
      ...(timeline && { tape: timeline }),
      ended: () => {
        const middle = timeline?.checkpoints[timeline.checkpoints.length >> 1]
        if (!timeline || !middle || into === again) return Promise.resolve(false)
        into = again
        timeline.returnTo(middle)
        return Promise.resolve(true)
      },
    },
  })
  timeline?.attach({
    memory: vm.cpu.memory,
    touchedPages: () => vm.cpu.touchedPages(),
    dirtyPages: () => vm.dirtyPages(),
    runPages: () => vm.cpu.takeFetched?.() ?? [],
    moment: () => {
      const board = vm.moment()
      return board && { board, disk: disk.moment() }
    },
    returnTo: moment => {
      vm.returnTo(moment.board)
      disk.returnTo(moment.disk)
    },
    steps: () => vm.cpu.harts.map((_, thread) => target?.position(thread).steps ?? 0),
  })
  await vm.run()
  const content = new Uint8Array(SECTORS * 512)
  await disk.read(0, content)
  const view = new DataView(content.buffer)
  const words = Array.from({ length: SECTORS }, (_, sector) => view.getUint32(sector * 512, true))
  return { hashes, again, printed, words }
}
