import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DoppelError } from '@doppel/base'
import { cacheFolder, ImageCache, type LinuxImage, linuxImage } from '@doppel/images'
import type { Benchmark, Measurement } from './benchmark.ts'
import { type Command, timedRun } from './child.ts'
import type { BootRun } from './kernel-run.ts'
import type { BenchOptions } from './options.ts'
import { isShellReady } from './shell-ready.ts'
import { QEMU } from './tools.ts'

/** Both machines get the same. */
const KERNEL_ARGUMENTS = 'console=ttyS0 earlycon=sbi'
const MEMORY_MIB = 256
const RUN_BOOT = join(import.meta.dirname, 'run-boot.ts')
const AS_COMMAND = join(import.meta.dirname, 'as-command.ts')

/** Short processes, each new to the emulator's eyes: programs are mapped anew, and run for some milliseconds. */
const SCRIPT =
  'i=0; while [ $i -lt 150 ]; do busybox echo $i | busybox md5sum >/dev/null; busybox expr $i + 1 >/dev/null; i=$((i+1)); done; echo done-$((6*7))\r'
const SCRIPT_DONE = 'done-42'

/** Starts of the `linux` image, from the process's creation to the shell's prompt. */
export function bootBenchmarks({ engine }: Pick<BenchOptions, 'engine'>): Benchmark[] {
  let image: Promise<LinuxImage> | undefined
  const boot = (name: string, stresses: string, harts: number, { warm = false, script = false } = {}): Benchmark => {
    const isDone = script ? (text: string): boolean => text.includes(SCRIPT_DONE) : isShellReady
    const typed = script ? { typed: { isReady: isShellReady, text: SCRIPT } } : {}
    let files: readonly string[]
    let translations = ''
    const doppel = async (): Promise<Measurement> => {
      const args = ['--import', AS_COMMAND, '--conditions=source', RUN_BOOT, ...files, KERNEL_ARGUMENTS]
      const { seconds, stderr } = await timedRun(
        { program: process.execPath, args: [...args, String(harts), engine, translations] },
        { isDone, how: 'close-input', ...typed },
      )
      const { instructions, ...memory } = JSON.parse(stderr) as BootRun
      // Of a script only the end is timed.
      return { seconds, memory, ...(script ? {} : { instructions }) }
    }
    return {
      name,
      stresses,
      prepare: async folder => {
        try {
          image ??= linuxImage({ cache: new ImageCache(cacheFolder()) })
          files = await writeImage(await image, folder)
          if (warm) {
            // The first boot leaves its translations; those that are timed start with them.
            translations = join(folder, `${name}.translations`)
            await doppel()
          }
          return undefined
        } catch (error) {
          if (error instanceof DoppelError) return `the linux image cannot be had: ${error.message} [${error.code}]`
          throw error
        }
      },
      run: async emulator => {
        if (emulator === 'qemu') {
          return await timedRun(qemuCommand(files, harts), { isDone, how: 'kill', ...typed })
        }
        return await doppel()
      },
    }
  }
  return [
    boot('boot', 'Linux to its shell, 1 hart', 1),
    boot('boot-again', 'the same, with the first boot’s translations', 1, { warm: true }),
    boot('boot-4', 'Linux to its shell, 4 harts', 4),
    boot('processes', 'a shell script of 450 processes, begun at its prompt', 1, { script: true }),
  ]
}

async function writeImage(image: LinuxImage, folder: string): Promise<string[]> {
  const kernel = join(folder, 'kernel')
  const initrd = join(folder, 'initrd')
  await writeFile(kernel, image.kernel)
  await writeFile(initrd, image.initrd)
  return [kernel, initrd]
}

function qemuCommand([kernel = '', initrd = '']: readonly string[], harts: number): Command {
  const flags = `-M virt -m ${MEMORY_MIB} -smp ${harts} -accel tcg,thread=single -nodefaults -display none -serial stdio`
  return {
    program: QEMU,
    args: [...flags.split(' '), '-kernel', kernel, '-initrd', initrd, '-append', KERNEL_ARGUMENTS],
  }
}
