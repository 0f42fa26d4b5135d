import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DoppelError } from '@doppel/base'
import { cacheFolder, findRootImage, guestArchive, ImageCache, linuxImage } from '@doppel/images'
import type { Benchmark } from './benchmark.ts'
import { timedRun } from './child.ts'
import { isShellReady } from './shell-ready.ts'
import { QEMU } from './tools.ts'

/** Debian with Python, built by `doppel image build` the first time. */
const IMAGE = 'bench-python'
const RECIPE = `FROM debian
RUN apt-get update -q || true
RUN apt-get install -y -q --no-install-recommends python3-minimal
`
const CODE = `for i in 1 2 3 4 5 6 7 8; do python3 -c 'import re, sys; print(sum(map(int, re.findall("[0-9]+", "6 36"))), end="")'; done`
const OUTPUT = '42'.repeat(8)
const ROOT_SERIAL = 'doppel-root'
const DOPPEL = join(import.meta.dirname, '../../doppel/bin/doppel.js')

/** A large program started again and again: the loader, a language's start-up, a little work. */
export function programBenchmark(): Benchmark {
  let flags: string[] = []
  return {
    name: 'python',
    stresses: 'Python started 8 times in Debian',
    prepare: async folder => {
      try {
        const cache = new ImageCache(cacheFolder())
        if (!(await findRootImage(cache, IMAGE))) await build(folder)
        const image = await findRootImage(cache, IMAGE)
        if (!image) return `the image ${IMAGE} cannot be built; try doppel image pull debian`
        const linux = await linuxImage({ cache })
        const [kernel, initrd] = [join(folder, 'python-kernel'), join(folder, 'python-initrd')]
        await writeFile(kernel, linux.kernel)
        await writeFile(initrd, Buffer.concat([linux.initrd, guestArchive({ nonce: 'c0ffee42', volumes: [] })]))
        const disk = `file=${cache.objectPath(image.disk.sha256)},format=qcow2,if=none,id=root,snapshot=on`
        const machine = '-M virt -m 256 -accel tcg,thread=single -nodefaults -display none -serial stdio'
        const append = `console=ttyS0 quiet panic=-1 doppel.root=${ROOT_SERIAL}`
        const devices = ['-drive', disk, '-device', `virtio-blk-pci,drive=root,serial=${ROOT_SERIAL}`]
        flags = [...machine.split(' '), '-device', 'virtio-rng-pci', ...devices, '-kernel', kernel, '-initrd', initrd]
        flags.push('-append', append)
        return undefined
      } catch (error) {
        if (error instanceof DoppelError) return `the image ${IMAGE} cannot be had: ${error.message} [${error.code}]`
        throw error
      }
    },
    run: async emulator => {
      if (emulator === 'qemu') {
        const isDone = (text: string): boolean => text.includes(OUTPUT)
        const typed = { isReady: isShellReady, text: `${CODE}; echo\r` }
        const { seconds } = await timedRun({ program: QEMU, args: flags }, { isDone, how: 'kill', typed })
        return { seconds, checksum: OUTPUT }
      }
      const args = ['--conditions=source', join(import.meta.dirname, 'run-command.ts'), IMAGE, CODE]
      const { stdout } = await timedRun({ program: process.execPath, args })
      const { seconds, output } = JSON.parse(stdout) as { readonly seconds: number; readonly output: string }
      return { seconds, checksum: output }
    },
  }
}

async function build(folder: string): Promise<void> {
  const context = join(folder, IMAGE)
  await mkdir(context)
  await writeFile(join(context, 'Doppelfile'), RECIPE)
  spawnSync(process.execPath, [DOPPEL, 'image', 'build', '-t', IMAGE, context], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
