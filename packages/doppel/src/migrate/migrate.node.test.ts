import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assemble } from '@doppel/engine'
import { receiveMachine } from '@doppel/monitor'
import { riscvAssembly } from '@doppel/riscv'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Machine } from '../sdk/machine.ts'
import { type Arrived, machineTarget } from './arriving.ts'
import { claimMachine } from './claim.ts'
import { migrationHost } from './host.ts'
import { SocketLine } from './socket-line.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-migrate-'))
  process.env['XDG_RUNTIME_DIR'] = folder
  // Prints A to Z for ever, by the debug console (SBI 3.0 §12.3); before each, writes a page of 128 in turn and checks it.
  const source = `
    li s0, 0
    li s1, 0x80400000
    next: andi t0, s0, 127
    slli t0, t0, 12
    add t0, t0, s1
    ld t1, (t0)
    addi t2, s0, -128
    bltz t2, fresh
    bne t1, t2, wrong
    fresh: sd s0, (t0)
    li t1, 20000
    spin: addi t1, t1, -1
    bnez t1, spin
    li t1, 26
    remu a0, s0, t1
    addi a0, a0, 65
    say: li a7, 0x4442434e
    li a6, 2
    ecall
    addi s0, s0, 1
    j next
    wrong: li a0, 33
    j say`
  const { bytes } = assemble(riscvAssembly, source, { origin: 0x8020_0000n })
  await writeFile(join(folder, 'kernel'), bytes)
  await writeFile(join(folder, 'disk'), '')
  await truncate(join(folder, 'disk'), 1 << 20)
})
afterAll(() => rm(folder, { recursive: true }))

const text = (machine: Machine): string => new TextDecoder().decode(machine.console.output)
let moves = 0

/** Moves a machine through a connection that is cut after so many bytes from the source; what each end says. */
async function move(machine: Machine, cutAfterBytes = Infinity) {
  const path = join(folder, `move-${moves++}`)
  const claim = `${path}.claim`
  const arrived = Promise.withResolvers<Arrived>()
  arrived.promise.catch(() => undefined)
  const server = createServer(socket => {
    const target = machineTarget('kernel', { ...machine.options, env: process.env }, () =>
      claimMachine(claim, 'target'),
    )
    const line = new SocketLine(socket)
    arrived.resolve(receiveMachine(target, line, migrationHost).finally(() => line.close()))
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  const proxy = await cuttingProxy(path, cutAfterBytes)
  const socket = connect(proxy.path)
  const line = new SocketLine(socket)
  const still = (): Promise<void> => Promise.resolve()
  const sent = machine
    .moveTo(line, {
      withdraw: still,
      readmit: still,
      isTaken: async () => !(await claimMachine(claim, 'source')),
    })
    .finally(() => line.close())
  const [report, came] = await Promise.allSettled([sent, arrived.promise])
  server.close()
  proxy.close()
  return { report, came, sentBytes: () => proxy.passedBytes }
}

async function cuttingProxy(to: string, cutAfterBytes: number) {
  const path = `${to}.proxy`
  const proxy = { path, passedBytes: 0, close: () => server.close() }
  const server = createServer((near: Socket) => {
    const far = connect(to)
    for (const [a, b] of [
      [near, far],
      [far, near],
    ] as const) {
      a.on('error', () => b.destroy())
      a.on('close', () => b.destroy())
    }
    far.pipe(near)
    near.on('data', (bytes: Uint8Array) => {
      const room = cutAfterBytes - proxy.passedBytes
      far.write(bytes.subarray(0, room))
      proxy.passedBytes += Math.min(bytes.length, room)
      if (bytes.length < room) return
      near.destroy()
      // What was written is still read at the other end.
      far.end()
    })
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  return proxy
}

/** Waits until it has printed more. */
async function printsOn(machine: Machine): Promise<string> {
  const before = machine.console.output.length
  while (machine.console.output.length < before + 40) await sleep(5)
  return text(machine)
}
const isAlphabet = (printed: string): boolean => Buffer.from(printed).every((letter, i) => letter === 65 + (i % 26))

const bootCounter = async (): Promise<Machine> => {
  const machine = await Machine.create({
    kernel: join(folder, 'kernel'),
    memory: '16M',
    disks: [join(folder, 'disk')],
    network: 'none',
  })
  await printsOn(machine)
  return machine
}

test('a machine goes on elsewhere where it stood, with its disk; it can move again', async () => {
  let machine = await bootCounter()
  for (let i = 0; i < 3; i++) {
    const before = text(machine)
    const { report, came } = await move(machine)
    if (came.status === 'rejected' || report.status === 'rejected') throw new Error('not moved', { cause: came })
    expect([machine.state, machine.hasMoved]).toEqual(['ended', true])
    expect(report.value.lastPages).toBeLessThanOrEqual(200)
    machine = came.value.machine
    await machine.settle(came.value.state)
    const after = await printsOn(machine)
    expect(after.startsWith(before)).toBe(true)
    expect(isAlphabet(after)).toBe(true)
  }
  await machine.kill()
  // Nobody holds the disk any more.
  await (await bootCounter()).kill()
}, 30_000)

test('a paused machine stays paused where it goes', async () => {
  const machine = await bootCounter()
  await machine.pause()
  const { came } = await move(machine)
  if (came.status === 'rejected') throw came.reason
  expect(came.value.machine.state).toBe('paused')
  await came.value.machine.resume()
  expect(isAlphabet(await printsOn(came.value.machine))).toBe(true)
  await came.value.machine.kill()
}, 30_000)

test('wherever the connection is cut, exactly one machine goes on', async () => {
  let machine = await bootCounter()
  const whole = await move(machine)
  if (whole.came.status === 'rejected') throw whole.came.reason
  machine = whole.came.value.machine
  const total = whole.sentBytes()
  // A message without payload has 12 bytes: the last one is the word that the machine is the other end's.
  const cuts = [1, 20, total >> 2, total >> 1, total - 5000, total - 13, total - 12, total - 11, total - 1, total]
  for (const cut of cuts) {
    const { came } = await move(machine, cut)
    const there = came.status === 'fulfilled' ? came.value.machine : undefined
    expect([machine.state === 'running', there?.state === 'running'].filter(Boolean)).toHaveLength(1)
    machine = there ?? machine
    expect(isAlphabet(await printsOn(machine))).toBe(true)
  }
  await machine.kill()
}, 60_000)

test('a machine of another shape is refused, and goes on where it is', async () => {
  const machine = await bootCounter()
  const path = join(folder, 'refused')
  const options = { ...machine.options, memoryBytes: 32 << 20, env: process.env }
  const server = createServer(socket => {
    const target = machineTarget('kernel', options, () => Promise.resolve(true))
    receiveMachine(target, new SocketLine(socket), migrationHost).catch(() => socket.end())
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  const still = (): Promise<void> => Promise.resolve()
  const handover = { withdraw: still, readmit: still, isTaken: () => Promise.resolve(false) }
  await expect(machine.moveTo(new SocketLine(connect(path)), handover)).rejects.toMatchObject({
    code: 'migrate.mismatch',
    message: expect.stringContaining('16777216 there, 33554432 here') as string,
  })
  server.close()
  expect(isAlphabet(await printsOn(machine))).toBe(true)
  await machine.kill()
}, 30_000)
