import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostClock } from '@doppel/base'
import { cacheFolder, ImageCache, linuxImage } from '@doppel/images'
import { order, qemuGuest } from './qemu-guest.ts'
import { isShellReady } from './shell-ready.ts'

const clock = hostClock()
const MEMORY_MIB = 256

/**
 * What the same guest takes under QEMU from the creation of a process that loads a snapshot to the answer of a command on
 * the serial line: seconds of each round.
 */
export async function qemuResume(folder: string, rounds: number): Promise<number[]> {
  const image = await linuxImage({ cache: new ImageCache(cacheFolder()) })
  const [kernel, initrd, disk, monitor] = ['kernel', 'initrd', 'state.qcow2', 'monitor'].map(name =>
    join(folder, name),
  ) as [string, string, string, string]
  await writeFile(kernel, image.kernel)
  await writeFile(initrd, image.initrd)
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '1M'])
  const flags = `-M virt -m ${MEMORY_MIB} -accel tcg,thread=single -nodefaults -display none -serial stdio`.split(' ')
  const args = [...flags, '-drive', `if=none,id=state,file=${disk}`, '-device', 'virtio-blk-device,drive=state']
  args.push(
    '-kernel',
    kernel,
    '-initrd',
    initrd,
    '-append',
    'console=ttyS0',
    '-monitor',
    `unix:${monitor},server=on,wait=off`,
  )

  const first = qemuGuest(args)
  await first.shows(isShellReady)
  await sleep(1000)
  await order(monitor, 'savevm ready')
  first.end()
  const seconds: number[] = []
  for (let round = 0; round < rounds; round++) {
    const beganNs = clock.monotonicNs()
    const resumed = qemuGuest([...args, '-loadvm', 'ready'])
    // Typed at once: QEMU keeps it until the guest, resumed, reads.
    resumed.type('echo $((6*7))answer\n')
    await resumed.shows(text => text.includes('42answer'))
    seconds.push((clock.monotonicNs() - beganNs) / 1e9)
    resumed.end()
  }
  return seconds
}
