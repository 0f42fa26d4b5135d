import { spawnSync } from 'node:child_process'
import { DoppelError } from '@doppel/base'

/** Debian's emulator that doppel is compared with. */
export const QEMU = 'qemu-system-riscv64'
/** Debian's cross compiler for bare metal. */
export const CROSS_COMPILER = 'riscv64-unknown-elf-gcc'

const PACKAGES: Readonly<Record<string, string>> = {
  [QEMU]: 'qemu-system-misc',
  [CROSS_COMPILER]: 'gcc-riscv64-unknown-elf',
}

/** The first line of what `tool --version` prints. Throws `bench.tool` when it is not installed. */
export function toolVersion(tool: typeof QEMU | typeof CROSS_COMPILER): string {
  const { error, stdout } = spawnSync(tool, ['--version'], { encoding: 'utf8' })
  if (!error) return stdout.split('\n', 1)[0] ?? ''
  throw new DoppelError(
    'bench.tool',
    `${tool} cannot be run (${error.message}); expected Debian's package: apt-get install ${PACKAGES[tool]}`,
    { tool },
  )
}
