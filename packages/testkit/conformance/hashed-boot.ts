import { hostClock, MIB, seededEntropy } from '@doppel/base'
import { VirtMachine } from '@doppel/board'
import { createRiscvCpu, RISCV_ISA } from '@doppel/riscv'

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
}

/** The state's hashes, each after the instructions retired, and what the guest has printed. */
export async function hashedBoot(
  options: HashedBoot,
): Promise<{ readonly hashes: string[]; readonly printed: string }> {
  const hashes: string[] = []
  const decoder = new TextDecoder()
  let printed = ''
  const vm: VirtMachine = new VirtMachine({
    cpus: options.harts,
    memoryBytes: 256 * MIB,
    createCpu: config => createRiscvCpu(config, { translateAfter: options.translateAfter }),
    isa: RISCV_ISA,
    clock: hostClock(),
    entropy: seededEntropy(BigInt(options.seed)),
    console: { write: bytes => void (printed += decoder.decode(bytes)), onInput: () => undefined },
    boot: {
      kernel: { name: 'kernel', bytes: options.kernel },
      initrd: { name: 'initrd', bytes: options.initrd },
      append: 'console=ttyS0 earlycon=sbi',
    },
    deterministic: {
      hashEvery: options.hashEvery,
      onHash: (instructions, hash) => {
        hashes.push(`${instructions} ${hash}`)
        if (instructions >= BigInt(options.until)) vm.stop()
      },
    },
  })
  await vm.run()
  return { hashes, printed }
}
