import { setTimeout as sleep } from 'node:timers/promises'
import { riscvElf } from '@doppel/testkit'
import type { Machine } from 'doppel'
import { median } from './table.ts'

/** What a neighbour does, and what the victim then loses of what an ordinary neighbour leaves it: 0.05 is a twentieth. */
export interface StormLoss {
  readonly storm: string
  readonly loss: number
}

/** A loop that writes an instruction of its own, fence.i, and runs it. */
const SELF_MODIFYING = [0x00000297, 0x0102a303, 0x0062a823, 0x0000100f, 0x00138393, 0xff1ff06f]
const PROGRAM = '/tmp/self-modifying'
const SPIN = 'while :; do :; done'

/** Shell code of each storm; they want `/dev/vda`, the program, and a network. */
const STORMS: readonly (readonly [string, string])[] = [
  ['memory', 'while :; do dd if=/dev/zero of=/tmp/big bs=1M count=30 2>/dev/null; done'],
  ['disk', 'while :; do echo 1 >/proc/sys/vm/drop_caches; dd if=/dev/vda of=/dev/null bs=64k 2>/dev/null; done'],
  ['interrupts', 'while :; do dd if=/dev/hwrng of=/dev/null bs=8 count=1000 2>/dev/null || echo >/dev/hvc0; done'],
  ['console', 'yes >/dev/hvc0'],
  [
    'network',
    'while :; do head -c 2000000 /dev/zero | nc -w 1 10.0.2.2 9; ping -c 50 -i 0 10.0.2.2; done >/dev/null 2>&1',
  ],
  ['self-modifying code', PROGRAM],
]
const WARM_MS = 700
const SETTLE_MS = 100
const MEASURE_MS = 250
const ROUNDS = 15

/**
 * Measures a victim that computes beside each storm, and in turn beside an ordinary neighbour that computes too, since the
 * host's speed changes as well: the median of the rounds. The three share one thread, evenly; one of the two neighbours is
 * always paused. The thread's processor time is what counts, so that other programs of the host's take nothing from anyone.
 */
export async function stormLosses(victim: Machine, ordinary: Machine, stormy: Machine): Promise<StormLoss[]> {
  await stormy.files.write(PROGRAM, riscvElf(SELF_MODIFYING, 0x10000))
  await stormy.commands.run(['chmod', '755', PROGRAM])
  const spins = await Promise.all([victim, ordinary].map(vm => vm.commands.run(SPIN, { background: true })))
  const rateBeside = async (neighbour: Machine): Promise<number> => {
    await neighbour.resume()
    await sleep(SETTLE_MS)
    const [before, began] = [victim.getMetrics().instructions, threadMs()]
    await sleep(MEASURE_MS)
    const rate = Number(victim.getMetrics().instructions - before) / (threadMs() - began)
    await neighbour.pause()
    return rate
  }
  await sleep(WARM_MS)
  await ordinary.pause()
  const losses: StormLoss[] = []
  for (const [storm, code] of STORMS) {
    const running = await stormy.commands.run(code, { background: true })
    await sleep(WARM_MS)
    await stormy.pause()
    const rounds: number[] = []
    let before = await rateBeside(ordinary)
    for (let round = 0; round < ROUNDS; round++) {
      const during = await rateBeside(stormy)
      const after = await rateBeside(ordinary)
      rounds.push(1 - during / ((before + after) / 2))
      before = after
    }
    losses.push({ storm, loss: median(rounds) })
    await stormy.resume()
    running.kill()
    await running.wait()
  }
  await ordinary.resume()
  for (const spin of spins) spin.kill()
  return losses
}

/** This thread's processor time; Linux brings it up to date when the process's is asked for. */
function threadMs(): number {
  process.cpuUsage()
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
