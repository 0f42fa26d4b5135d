/** `npm run bench:machines`: what many machines cost, and how fast they resume. See docs/benchmarks.md. */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostClock, MIB } from '@doppel/base'
import { Machine, Snapshot } from 'doppel'
import { askExecutive, compileExecutive, lateness99Us } from './executive.ts'
import { doppelDownTimes, qemuDownTimes } from './migration.ts'
import { stormLosses } from './storms.ts'
import { qemuResume } from './qemu-resume.ts'
import { median } from './table.ts'
import { throughputs } from './throughput.ts'
import { QEMU, toolVersion } from './tools.ts'

const clock = hostClock()
const ROUNDS = 9
const FORKS = 100
const AT_ONCE = 20
const COLD = 'cold'
const WARM_MS = 10_000

const ms = (fromNs: number): number => (clock.monotonicNs() - fromNs) / 1e6
/** Runs the collector, where it may be asked to, and tells what the process holds. */
const heldMib = (): number => {
  ;(globalThis as { gc?: () => void }).gc?.()
  return process.memoryUsage().rss / MIB
}
const figure = (name: string, value: number, unit: string, aim = ''): void =>
  void process.stdout.write(`| ${name} | ${value.toFixed(value < 10 ? 2 : 1)} ${unit} | ${aim} |\n`)

async function times(rounds: number, act: () => Promise<number>): Promise<number> {
  const all: number[] = []
  for (let i = 0; i < rounds; i++) all.push(await act())
  return median(all)
}

/** In a process of its own: from the snapshot's file to a command's answer, modules loaded. Prints milliseconds. */
async function cold(path: string): Promise<void> {
  const began = clock.monotonicNs()
  const snapshot = Snapshot.open(path)
  const machine = await Machine.restore(snapshot)
  await machine.commands.run('echo')
  process.stdout.write(String(ms(began)))
  // The first one notes which pages it touched, for the others.
  await machine.kill()
  await snapshot.close()
  process.exit(0)
}

async function shares(vm: Machine): Promise<void> {
  const [other] = (await vm.fork()) as [Machine]
  vm.setLimits({ share: 300 })
  const spin = 'while :; do :; done'
  const running = await Promise.all([vm, other].map(machine => machine.commands.run(spin, { background: true })))
  // A clone's code is not translated yet, and what is much slower is charged for its time: shares are exact once both are warm.
  await sleep(WARM_MS)
  const look = (): number[] => [vm, other].map(machine => Number(machine.getMetrics().instructions))
  const before = look()
  await sleep(5000)
  const after = look()
  figure(
    '3:1 shares, instructions',
    ((after[0] ?? 0) - (before[0] ?? 0)) / ((after[1] ?? 0) - (before[1] ?? 0)),
    ': 1',
    '3 ± 0.06',
  )
  await other.kill()
  vm.setLimits({ share: 100, cap: 0.5 })
  const [usedMs, began] = [vm.getMetrics().cpuMs, clock.monotonicNs()]
  await sleep(5000)
  figure('a cap of 50 %, of the time', ((vm.getMetrics().cpuMs - usedMs) / ms(began)) * 100, '%', '50 ± 1')
  vm.setLimits({ cap: 1 })
  for (const command of running) command.kill()
}

async function measure(folder: string): Promise<void> {
  const path = join(folder, 'ready.snap')
  const vm = await Machine.create('linux', { memory: '256M' })
  await vm.commands.run('true')
  await sleep(500)

  const answers = async (): Promise<number> => {
    await sleep(100)
    await vm.pause()
    await sleep(50)
    const began = clock.monotonicNs()
    await vm.resume()
    await vm.commands.run('echo')
    return ms(began)
  }
  figure('resume to an answered command, warm', await times(ROUNDS, answers), 'ms', '≤ 10 ms')

  let began = clock.monotonicNs()
  const snapshot = await vm.createSnapshot()
  figure('snapshot in memory (the machine stands still)', ms(began), 'ms')
  began = clock.monotonicNs()
  await snapshot.save(path)
  figure('writing it to a file', ms(began), 'ms')
  const coldOnce = (): Promise<number> => {
    const child = spawnSync(process.execPath, ['--conditions=source', import.meta.filename, COLD, path], {
      encoding: 'utf8',
    })
    return Promise.resolve(Number(child.stdout))
  }
  figure('restore from a file to an answered command, new process', await times(ROUNDS, coldOnce), 'ms', '≤ 50 ms')
  const qemu = (await qemuResume(folder, ROUNDS)).map(seconds => seconds * 1000)
  figure("QEMU's -loadvm to an answered command, new process", median(qemu), 'ms')

  await vm.pause()
  const forks: Machine[] = []
  const before = heldMib()
  began = clock.monotonicNs()
  for (let i = 0; i < FORKS; i++) forks.push(await Machine.restore(snapshot, { paused: true }))
  const tookMs = ms(began)
  figure('a fork of a frozen machine', tookMs / FORKS, 'ms', '≤ 5 ms')
  figure(`${FORKS} forks`, tookMs, 'ms', '≤ 1000 ms')
  figure("a fork's own memory before it runs", (heldMib() - before) / FORKS, 'MiB', '≤ 1 MiB')
  began = clock.monotonicNs()
  await Promise.all(
    forks.slice(0, AT_ONCE).map(async fork => {
      await fork.resume()
      await fork.commands.run('echo')
    }),
  )
  figure(`${AT_ONCE} machines at once, all have answered`, ms(began), 'ms')
  await Promise.all(forks.map(fork => fork.kill()))
  await vm.resume()
  await shares(vm)
  await vm.kill()
  figure('a busy machine stands still while it moves', median(await doppelDownTimes(ROUNDS)), 'ms')
  figure('the same under QEMU', median(await qemuDownTimes(folder, ROUNDS)), 'ms')
  await latency(folder)
  await network(folder)
  await storms(folder)
}

async function latency(folder: string): Promise<void> {
  const program = await compileExecutive(folder)
  const busy = await Machine.create('linux', { memory: '256M' })
  const [other] = (await busy.fork()) as [Machine]
  for (const machine of [busy, other]) await machine.commands.run('while :; do :; done', { background: true })
  for (const latency of ['batch', 'realtime'] as const) {
    await using executive = await Machine.create({ program, memory: '16M', latency })
    await sleep(2000)
    await askExecutive(executive)
    await sleep(5000)
    const [task] = await askExecutive(executive)
    if (!task) continue
    const name = `a 1 ms timer beside two busy machines, ${latency}`
    figure(`${name}: 99 of 100 within`, lateness99Us(task), 'µs')
    figure(`${name}: periods missed`, (task.missed / (task.released + task.missed)) * 100, '%')
  }
  await Promise.all([busy, other].map(machine => machine.kill()))
}

async function network(folder: string): Promise<void> {
  const aims: readonly (readonly [string, string])[] = [
    ['from machine', '≥ 1000 Mbit/s'],
    ['through NAT', '≥ 300 Mbit/s'],
  ]
  for (const { what, rate } of await throughputs(folder)) {
    figure(`TCP ${what}`, rate, 'Mbit/s', aims.find(([begin]) => what.startsWith(begin))?.[1])
  }
}

async function storms(folder: string): Promise<void> {
  const disk = join(folder, 'storm.img')
  await writeFile(disk, new Uint8Array(64 * MIB))
  const victim = await Machine.create('linux', { memory: '256M', disks: [`${disk}:overlay`] })
  const [ordinary, stormy] = (await victim.fork({ count: 2 })) as [Machine, Machine]
  for (const { storm, loss } of await stormLosses(victim, ordinary, stormy)) {
    figure(`what a victim loses to a storm: ${storm}`, loss * 100, '%', '≤ 5 %')
  }
  await Promise.all([victim, ordinary, stormy].map(machine => machine.kill()))
}

const [what, path] = process.argv.slice(2)
if (what === COLD) await cold(path ?? '')
else {
  const folder = await mkdtemp(join(tmpdir(), 'doppel-machines-'))
  try {
    const date = new Date(Number(clock.realtimeNs() / 1_000_000n)).toISOString().slice(0, 10)
    process.stdout.write(
      `${date}, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${toolVersion(QEMU)}; medians of ${ROUNDS}:\n\n` +
        '| measured | figure | aim |\n| --- | --- | --- |\n',
    )
    await measure(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
