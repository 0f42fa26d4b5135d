import { hostClock, MIB, seededEntropy } from '@doppel/base'
import { type Moment, VirtMachine } from '@doppel/board'
import { LiveTape, Timeline } from '@doppel/monitor'
import { createRiscvCpu, RISCV_ISA, RiscvDebug } from '@doppel/riscv'

/** A deterministic boot that is watched; everything in it also exists in a page. */
export interface HashedBoot {
  readonly kernel: Uint8Array
  readonly initrd: Uint8Array
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

/** The state's hashes, each after the instructions retired, those from the middle on once more, and what the guest has printed. */
export async function hashedBoot(
  options: HashedBoot,
): Promise<{ readonly hashes: string[]; readonly again: string[]; readonly printed: string }> {
  const hashes: string[] = []
  const again: string[] = []
  const timeline = options.resumes ? new Timeline<Moment>(new LiveTape()) : undefined
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
    boot: {
      kernel: { name: 'kernel', bytes: options.kernel },
      initrd: { name: 'initrd', bytes: options.initrd },
      append: 'console=ttyS0 earlycon=sbi',
    },
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
    moment: () => vm.moment(),
    returnTo: moment => vm.returnTo(moment),
    steps: () => vm.cpu.harts.map((_, thread) => target?.position(thread).steps ?? 0),
  })
  await vm.run()
  return { hashes, again, printed }
}
