import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { DoppelError, hostClock } from '@doppel/base'
import { cacheFolder, ImageCache, linuxImage } from '@doppel/images'
import { Machine, Network } from 'doppel'
import { qemuGuest } from './qemu-guest.ts'
import { isShellReady } from './shell-ready.ts'
import { median } from './table.ts'

const SOURCE = join(import.meta.dirname, 'guests', 'flood.c')
const COMPILER = 'riscv64-linux-gnu-gcc'
const FLOOD = '/tmp/flood'
const BYTES = 100_000_000
const ROUNDS = 5
const PORT = 5000
const clock = hostClock()

/** Megabits a second. */
export interface Throughput {
  readonly what: string
  readonly rate: number
}

/** Which way bytes go, as the guest sees it. */
type Way = 'down' | 'up'

/** How fast guests move bytes over TCP: from machine to machine, and through NAT beside QEMU's user network. Medians. */
export async function throughputs(folder: string): Promise<Throughput[]> {
  const program = join(folder, 'flood')
  execFileSync(COMPILER, ['-O2', '-static', '-o', program, SOURCE])
  const flood = new Uint8Array(await readFile(program))
  const found: Throughput[] = [{ what: 'from machine to machine', rate: await betweenMachines(flood) }]
  await using host = await Host.open(flood)
  const ours = await throughDoppel(host, flood)
  const qemus = await throughQemu(host, folder)
  for (const way of ['down', 'up'] as const) {
    found.push({ what: `through NAT, ${way}`, rate: ours[way] }, { what: `through QEMU's, ${way}`, rate: qemus[way] })
  }
  return found
}

async function betweenMachines(flood: Uint8Array): Promise<number> {
  const network = new Network()
  await using to = await Machine.create('linux', { memory: '256M', network })
  await using from = await Machine.create('linux', { memory: '256M', network })
  for (const machine of [to, from]) await install(machine, flood)
  const { stdout } = await to.commands.run("ip -4 addr show eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'")
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const sink = to.commands.run([FLOOD, 'accept', String(PORT)])
    await to.commands.run(`until netstat -tln | grep -q :${PORT}; do sleep 0.1; done`)
    const beganNs = clock.monotonicNs()
    await from.commands.run([FLOOD, 'send', stdout.trim(), String(PORT), String(BYTES)])
    const arrived = Number((await sink).stdout)
    if (arrived !== BYTES) throw lost(arrived)
    rates.push(megabits(arrived, clock.monotonicNs() - beganNs))
  }
  return median(rates)
}

async function throughDoppel(host: Host, flood: Uint8Array): Promise<Record<Way, number>> {
  await using machine = await Machine.create('linux', { memory: '256M', network: { allow: host.allowed } })
  await install(machine, flood)
  return await host.measured(async command => void (await machine.commands.run(command)))
}

async function throughQemu(host: Host, folder: string): Promise<Record<Way, number>> {
  const image = await linuxImage({ cache: new ImageCache(cacheFolder()) })
  const [kernel, initrd] = ['net-kernel', 'net-initrd'].map(name => join(folder, name)) as [string, string]
  await writeFile(kernel, image.kernel)
  await writeFile(initrd, image.initrd)
  const flags = '-M virt -m 256 -accel tcg,thread=single -nodefaults -display none -serial stdio'.split(' ')
  const card = ['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile=', '-device', 'virtio-rng-pci']
  const boot = ['-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0 quiet']
  const guest = qemuGuest([...flags, ...card, ...boot])
  try {
    await guest.shows(isShellReady)
    const run = async (command: string): Promise<void> => {
      guest.type(`${command}; echo $((6*7))done\n`)
      await guest.shows(text => text.includes('42done'))
    }
    await run(`${FETCH} 10.0.2.2 ${host.portOf('program')} >${FLOOD}; chmod 755 ${FLOOD}`)
    return await host.measured(run)
  } finally {
    guest.end()
  }
}
const FETCH = 'until ip addr | grep -q 10.0.2; do sleep 0.1; done; nc'

async function install(machine: Machine, flood: Uint8Array): Promise<void> {
  await machine.files.write(FLOOD, flood)
  await machine.commands.run(['chmod', '755', FLOOD])
}

const lost = (bytes: number): DoppelError =>
  new DoppelError('bench.output', `${bytes} of ${BYTES} bytes arrived`, { bytes })

function megabits(bytes: number, tookNs: number): number {
  return (bytes * 8e3) / tookNs
}

/** The other end: it sends, receives, and measures from a connection's beginning to its end. */
class Host implements AsyncDisposable {
  readonly #servers: Readonly<Record<Way | 'program', Server>>
  #measured = Promise.withResolvers<number>()

  private constructor(servers: Readonly<Record<Way | 'program', Server>>) {
    this.#servers = servers
  }
  static async open(program: Uint8Array): Promise<Host> {
    const timed = (serve: (socket: Socket, moved: (bytes: number) => void) => void): Server =>
      createServer({ allowHalfOpen: true }, socket => {
        const beganNs = clock.monotonicNs()
        // A guest that breaks off is seen by the bytes that are missing.
        socket.on('error', () => undefined)
        serve(socket, bytes => {
          const tookNs = clock.monotonicNs() - beganNs
          if (bytes === BYTES) host.#measured.resolve(megabits(bytes, tookNs))
          else host.#measured.reject(lost(bytes))
        })
      })
    const servers = {
      down: timed((socket, moved) => {
        send(socket)
        socket.resume().on('end', () => moved(socket.bytesWritten))
      }),
      up: timed((socket, moved) => {
        socket.resume().on('end', () => {
          moved(socket.bytesRead)
          socket.end()
        })
      }),
      program: createServer(socket => void socket.on('error', () => undefined).end(program)),
    }
    const host = new Host(servers)
    const all = Object.values(servers)
    const listening = all.map(server => once(server, 'listening'))
    for (const server of all) server.listen(0, '127.0.0.1')
    await Promise.all(listening)
    return host
  }
  get allowed(): string[] {
    return [`127.0.0.1:${this.portOf('down')}`, `127.0.0.1:${this.portOf('up')}`]
  }
  portOf(server: Way | 'program'): number {
    const address = this.#servers[server].address()
    return typeof address === 'object' && address ? address.port : 0
  }
  /** The rates of the commands that the guest is to run. */
  async measured(run: (command: string) => Promise<void>): Promise<Record<Way, number>> {
    const commands = {
      down: `${FLOOD} receive 10.0.2.2 ${this.portOf('down')}`,
      up: `${FLOOD} send 10.0.2.2 ${this.portOf('up')} ${BYTES}`,
    }
    const rates: Record<Way, number[]> = { down: [], up: [] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ['down', 'up'] as const) {
        this.#measured = Promise.withResolvers()
        const [, rate] = await Promise.all([run(commands[way]), this.#measured.promise])
        rates[way].push(rate)
      }
    }
    return { down: median(rates.down), up: median(rates.up) }
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      Object.values(this.#servers).map(server => new Promise<void>(resolve => server.close(() => resolve()))),
    )
  }
}

const PIECE = new Uint8Array(1 << 20)
/** Sends as much as is measured, no faster than it is taken. */
function send(socket: Socket): void {
  let left = BYTES
  const more = (): void => {
    while (left > 0) {
      const piece = PIECE.subarray(0, Math.min(left, PIECE.length))
      left -= piece.length
      if (!socket.write(piece)) return void socket.once('drain', more)
    }
    socket.end()
  }
  more()
}
