/**
 * The doppel side of a boot: `node --import ./as-command.ts --conditions=source run-boot.ts KERNEL INITRD ARGUMENTS HARTS
 * translator|interpreter [TRANSLATIONS]`.
 * The guest's console is standard output and input. When standard input is closed the machine is stopped, and
 * a `BootRun`, as JSON, goes to standard error. TRANSLATIONS is a file to begin with, made when it is not there.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { hostClock, hostEntropy, MIB } from '@doppel/base'
import { VirtMachine } from '@doppel/board'
import { readReturnable } from '@doppel/images'
import type { BootRun } from './kernel-run.ts'
import { keepGeneratedFor } from 'doppel/generated'
import { translatorThread } from 'doppel/threads'
import { createRiscvCpu, RISCV_ISA, type RiscvCpu } from '@doppel/riscv'

const [kernel = '', initrd = '', append = '', harts, engine, translations = ''] = process.argv.slice(2)
const files = {
  kernel: { name: kernel, bytes: await readReturnable(kernel) },
  initrd: { name: initrd, bytes: await readReturnable(initrd) },
}
// What an earlier run leaves, as the command does, are translations and what is generated at a start.
if (translations !== '') keepGeneratedFor({ XDG_CACHE_HOME: dirname(translations) })
let cpu: RiscvCpu | undefined
const vm = new VirtMachine({
  cpus: Number(harts),
  memoryBytes: 256 * MIB,
  createCpu: config => {
    cpu = createRiscvCpu(config, engine === 'interpreter' ? { translateAfter: 0 } : {})
    const compile = engine === 'interpreter' ? undefined : translatorThread()
    if (compile) cpu.engine.compileOn(compile)
    if (existsSync(translations)) cpu.engine.restoreTranslations(readFileSync(translations))
    return cpu
  },
  isa: RISCV_ISA,
  clock: hostClock(),
  entropy: hostEntropy,
  console: { write: bytes => process.stdout.write(bytes), onInput: listener => process.stdin.on('data', listener) },
  boot: { ...files, append },
})
for (const { bytes } of Object.values(files)) bytes.buffer.transfer(0)
process.stdin.on('end', () => vm.stop()).resume()
await vm.run()
const run: BootRun = {
  instructions: vm.cpu.harts.reduce((sum, hart) => sum + Number(hart.retired), 0),
  residentMib: Math.round(process.resourceUsage().maxRSS / 1024),
  guestMib: Math.round((cpu?.engine.frames.touchedBytes ?? 0) / MIB),
}
process.stderr.write(JSON.stringify(run))
if (translations !== '' && !existsSync(translations)) writeFileSync(translations, cpu?.engine.saveTranslations() ?? '')
