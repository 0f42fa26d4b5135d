import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheFolder, ImageCache, linuxImage } from '@doppel/images'
import { Machine } from 'doppel'
import { order, qemuGuest } from './qemu-guest.ts'
import { isShellReady } from './shell-ready.ts'

const MEMORY_MIB = 256
/** Counts in a file of memory for ever: a processor's whole load, and pages written all the time. */
const LOAD = 'i=0; while :; do i=$((i+1)); echo $i >/tmp/n; done'

/** How long a busy machine of 256 MiB stands still while it moves to another process of this computer, milliseconds. */
export async function doppelDownTimes(rounds: number): Promise<number[]> {
  await using vm = await Machine.create('linux', { memory: `${MEMORY_MIB}M`, isolation: 'process' })
  await vm.commands.run(LOAD, { background: true })
  const all: number[] = []
  for (let round = 0; round < rounds; round++) {
    await sleep(2000)
    all.push((await vm.migrate()).downMs)
  }
  return all
}

/** The same guest, with the same load, under QEMU, as its `info migrate` tells it. */
export async function qemuDownTimes(folder: string, rounds: number): Promise<number[]> {
  const image = await linuxImage({ cache: new ImageCache(cacheFolder()) })
  const [kernel, initrd, wire] = ['kernel', 'initrd', 'wire'].map(name => join(folder, `move-${name}`)) as [
    string,
    string,
    string,
  ]
  await writeFile(kernel, image.kernel)
  await writeFile(initrd, image.initrd)
  const start = (round: number, ...incoming: string[]) => {
    const monitor = join(folder, `move-monitor-${round}`)
    const flags = `-M virt -m ${MEMORY_MIB} -accel tcg,thread=single -nodefaults -display none -serial stdio`.split(' ')
    const boot = ['-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0']
    const guest = qemuGuest([...flags, ...boot, '-monitor', `unix:${monitor},server=on,wait=off`, ...incoming])
    return { guest, monitor }
  }
  let here = start(0)
  const all: number[] = []
  try {
    await here.guest.shows(isShellReady)
    here.guest.type(`sh -c '${LOAD}' &\n`)
    for (let round = 1; round <= rounds; round++) {
      await sleep(2000)
      const there = start(round, '-incoming', `unix:${wire}`)
      await sleep(1000)
      await order(here.monitor, `migrate unix:${wire}`)
      const told = await order(here.monitor, 'info migrate')
      const down = /^downtime: (\d+) ms/m.exec(told)
      here.guest.end()
      here = there
      if (down) all.push(Number(down[1]))
    }
  } finally {
    here.guest.end()
  }
  return all
}
