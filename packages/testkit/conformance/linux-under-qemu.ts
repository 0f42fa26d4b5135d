import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlReader, type GuestSetup, guestArchive, inputFrame, type LinuxImage } from '@doppel/images'

/** How one command ended in the guest. */
export interface CommandResult {
  readonly status: number | undefined
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  /** What the kernel and /init printed on ttyS0. */
  readonly control: string
}

const NONCE = 'c0ffee42'
/** A guest that hangs is ended, and seen by its missing exit status. */
const MAX_RUN_MS = 60_000
const FRAME_BYTES = 30_000

/** Boots doppel's `linux` image in QEMU's virt machine for one command, as doppel's own board does. */
export async function runUnderQemu(
  image: LinuxImage,
  setup: Omit<GuestSetup, 'nonce'>,
  input?: Uint8Array,
  options: { readonly harts?: number; readonly extra?: string } = {},
): Promise<CommandResult> {
  const folder = await mkdtemp(join(tmpdir(), 'doppel-qemu-'))
  const frames: Uint8Array[] = []
  if (input) {
    for (let at = 0; at < input.length; at += FRAME_BYTES) frames.push(inputFrame(input.subarray(at, at + FRAME_BYTES)))
    frames.push(inputFrame(new Uint8Array(0)))
  }
  try {
    const archive = guestArchive({ ...setup, input: input !== undefined, nonce: NONCE })
    await writeFile(join(folder, 'kernel'), image.kernel)
    await writeFile(join(folder, 'initrd'), Buffer.concat([image.initrd, archive]))
    const reader = new ControlReader(NONCE)
    let status: number | undefined
    const serial = await port(join(folder, 'serial'))
    const out = await port(join(folder, 'out'))
    const err = await port(join(folder, 'err'))
    serial.onData = bytes => {
      for (const event of reader.feed(bytes)) {
        if (event.type === 'exit') status = event.status
        else {
          const frame = frames.shift()
          if (frame) out.send(frame)
        }
      }
    }
    const socket = (id: string): string => `-chardev socket,id=${id},path=${join(folder, id)}`
    const console = (id: string): string =>
      `${socket(id)} -device virtio-serial-pci,id=${id}-bus,max_ports=1 -device virtconsole,bus=${id}-bus.0,chardev=${id}`
    const flags = [
      `-M virt -m 256 -smp ${options.harts ?? 1} -display none -nodefaults -device virtio-rng-pci`,
      `-kernel ${join(folder, 'kernel')} -initrd ${join(folder, 'initrd')}`,
      `${socket('serial')} -serial chardev:serial ${console('out')} ${console('err')} ${options.extra ?? ''}`,
    ]
    const qemu = spawn(
      'qemu-system-riscv64',
      [...flags.join(' ').trim().split(/ +/), '-append', 'console=ttyS0 quiet'],
      { stdio: ['ignore', 'inherit', 'inherit'], timeout: MAX_RUN_MS, killSignal: 'SIGKILL' },
    )
    await new Promise<void>((done, fail) => {
      qemu.once('exit', () => done())
      qemu.once('error', fail)
    })
    await Promise.all([serial.close(), out.close(), err.close()])
    return { status, stdout: out.bytes(), stderr: err.bytes(), control: new TextDecoder().decode(serial.bytes()) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

interface Port {
  onData: (bytes: Uint8Array) => void
  send(bytes: Uint8Array): void
  bytes(): Uint8Array
  close(): Promise<void>
}

async function port(path: string): Promise<Port> {
  const received: Uint8Array[] = []
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let peer: { write(bytes: Uint8Array): unknown } | undefined
  const server = createServer(socket => {
    peer = socket
    socket.on('data', (bytes: Buffer) => {
      received.push(bytes)
      made.onData(bytes)
    })
    // QEMU dies with its guest; what it had sent has been received by then.
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
  const made: Port = {
    onData: () => undefined,
    send: bytes => peer?.write(bytes),
    bytes: () => Uint8Array.from(Buffer.concat(received)),
    close: async () => {
      if (peer) await ended
      server.close()
    },
  }
  await new Promise<void>(done => server.listen(path, done))
  return made
}
