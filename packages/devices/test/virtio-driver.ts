import { FlatMemory, type IrqLine } from '@doppel/base'
import type { PacedWork, VirtioDevice } from '../src/virtio/device.ts'
import { VirtioMmio } from '../src/virtio/mmio.ts'
import { virtioPci } from '../src/virtio/pci.ts'
import { PciHost } from '../src/pci-host.ts'

/** What a driver does through either transport. */
export interface Transport {
  readonly deviceId: number
  offered(): bigint
  accept(features: bigint): void
  status(): number
  setStatus(status: number): void
  queueSizeMax(queue: number): number
  enableQueue(queue: number, size: number, areas: readonly [number, number, number]): void
  notify(queue: number): void
  config(offset: number, width: 1 | 2 | 4): number
  setConfig(offset: number, width: 1 | 2 | 4, value: number): void
  configGeneration(): number
  /** Reads the interrupt reasons and acknowledges them. */
  takeInterrupt(): number
}

export const F_VERSION_1 = 1n << 32n
export const F_INDIRECT_DESC = 1n << 28n
export const F_EVENT_IDX = 1n << 29n
const RAM_BASE = 0x8000_0000
const RAM_BYTES = 8 * 1024 * 1024
const RING_BYTES = 0x4000

/** A request that the driver has posted; `written` and `bytes` are there once the device has used it. */
export interface Posted {
  readonly head: number
  written: number | undefined
  /** What the device put into the writable buffers, up to `written`. */
  bytes(): Uint8Array
}

interface Ring {
  readonly size: number
  readonly desc: number
  readonly avail: number
  readonly used: number
  readonly free: number[]
  readonly posted: Map<number, { request: Posted; descriptors: number[] }>
  availIndex: number
  usedIndex: number
}

/** A driver of one device over plain RAM, as an operating system's would be. */
export class Driver {
  readonly memory: FlatMemory
  readonly transport: Transport
  readonly rings: Ring[] = []
  /** The interrupt wire now. */
  readonly line: { level: boolean }
  features = 0n
  #next = RAM_BASE
  /** Where buffers begin, after the rings. */
  #buffers = RAM_BASE

  constructor(memory: FlatMemory, transport: Transport, line: { level: boolean }) {
    this.memory = memory
    this.transport = transport
    this.line = line
  }

  /** Virtio 1.2 §3.1.1, with `queues` queues of at most `size` entries. */
  start({ queues = 1, size = 8, want = F_VERSION_1 } = {}): this {
    const { transport } = this
    transport.setStatus(0)
    transport.setStatus(1)
    transport.setStatus(3)
    this.features = transport.offered() & want
    transport.accept(this.features)
    transport.setStatus(11)
    if (!(transport.status() & 8)) throw new Error('the device refused the features')
    for (let index = 0; index < queues; index++) this.#setUp(index, size)
    this.#buffers = this.#next
    transport.setStatus(15)
    return this
  }

  /** Reserves RAM. */
  allocate(lengthBytes: number, alignment = 16): number {
    const gpa = Math.ceil(this.#next / alignment) * alignment
    this.#next = gpa + lengthBytes
    return gpa
  }

  /** Posts one chain: bytes for the device, then room for its answer; then notifies. */
  post(queue: number, readable: readonly Uint8Array[], writable: readonly number[], notify = true): Posted {
    const ring = this.rings[queue] as Ring
    // With nothing posted anywhere, buffers may lie where earlier ones did.
    if (this.#next > RAM_BASE + RAM_BYTES / 2 && this.rings.every(r => r.posted.size === 0)) this.#next = this.#buffers
    const buffers = readable.map(bytes => {
      const gpa = this.allocate(bytes.length)
      this.memory.write(gpa, bytes)
      return { gpa, length: bytes.length, flags: 0 }
    })
    const room = writable.map(length => ({ gpa: this.allocate(length), length, flags: 2 }))
    const all = [...buffers, ...room]
    const heads = this.#describe(ring, all)
    const memory = this.memory
    const request: Posted = {
      head: heads[0] as number,
      written: undefined,
      bytes() {
        const bytes: number[] = []
        for (const { gpa, length } of room) {
          const part = new Uint8Array(Math.min(length, (request.written ?? 0) - bytes.length))
          memory.read(gpa, part)
          bytes.push(...part)
        }
        return Uint8Array.from(bytes)
      },
    }
    ring.posted.set(request.head, { request, descriptors: heads })
    this.setU16(ring.avail + 4 + 2 * (ring.availIndex % ring.size), request.head)
    ring.availIndex = (ring.availIndex + 1) & 0xffff
    this.setU16(ring.avail + 2, ring.availIndex)
    if (notify) this.transport.notify(queue)
    this.collect(queue)
    return request
  }

  /** Takes what the device has used, oldest first. */
  collect(queue: number): Posted[] {
    const ring = this.rings[queue] as Ring
    const taken: Posted[] = []
    while (ring.usedIndex !== this.u16(ring.used + 2)) {
      const at = ring.used + 4 + 8 * (ring.usedIndex % ring.size)
      const entry = ring.posted.get(this.u32(at))
      if (!entry) throw new Error(`the device used chain ${this.u32(at)}, which was not posted`)
      ring.posted.delete(entry.request.head)
      ring.free.push(...entry.descriptors)
      entry.request.written = this.u32(at + 4)
      taken.push(entry.request)
      ring.usedIndex = (ring.usedIndex + 1) & 0xffff
      // used_event: tell of the next one too.
      this.setU16(ring.avail + 4 + 2 * ring.size, ring.usedIndex)
    }
    return taken
  }

  /** Posts a chain and waits until the device has used it. */
  async request(queue: number, readable: readonly Uint8Array[], writable: readonly number[]): Promise<Uint8Array> {
    const request = this.post(queue, readable, writable)
    await this.finished(queue, request)
    return request.bytes()
  }

  async finished(queue: number, request: Posted): Promise<void> {
    for (let turn = 0; request.written === undefined; turn++) {
      if (turn === 2000) throw new Error('the device did not use the chain')
      await turnOfLoop()
      this.collect(queue)
    }
  }

  u16(gpa: number): number {
    const bytes = new Uint8Array(2)
    this.memory.read(gpa, bytes)
    return new DataView(bytes.buffer).getUint16(0, true)
  }
  u32(gpa: number): number {
    return this.u16(gpa) + this.u16(gpa + 2) * 65_536
  }
  setU16(gpa: number, value: number): void {
    this.memory.write(gpa, Uint8Array.of(value, value >> 8))
  }
  setDescriptor(gpa: number, d: { gpa: number; length: number; flags: number; next: number }): void {
    const view = new DataView(new ArrayBuffer(16))
    view.setBigUint64(0, BigInt(d.gpa), true)
    view.setUint32(8, d.length, true)
    view.setUint16(12, d.flags, true)
    view.setUint16(14, d.next, true)
    this.memory.write(gpa, new Uint8Array(view.buffer))
  }

  /** Writes descriptors, through an indirect table where that was negotiated; returns the ring entries used. */
  #describe(ring: Ring, all: readonly { gpa: number; length: number; flags: number }[]): number[] {
    const needed = this.features & F_INDIRECT_DESC ? 1 : all.length
    if (ring.free.length < needed) throw new Error('the ring is full')
    const heads = ring.free.splice(0, needed)
    const isIndirect = needed !== all.length || (this.features & F_INDIRECT_DESC) !== 0n
    const table = isIndirect ? this.allocate(all.length * 16) : ring.desc
    const index = isIndirect ? all.map((_, i) => i) : heads
    all.forEach((buffer, i) => {
      const isLast = i === all.length - 1
      const flags = buffer.flags | (isLast ? 0 : 1)
      this.setDescriptor(table + 16 * (index[i] as number), { ...buffer, flags, next: index[i + 1] ?? 0 })
    })
    if (isIndirect) {
      this.setDescriptor(ring.desc + 16 * (heads[0] as number), {
        gpa: table,
        length: all.length * 16,
        flags: 4,
        next: 0,
      })
    }
    return heads
  }

  #setUp(index: number, size: number): void {
    const entries = Math.min(size, this.transport.queueSizeMax(index))
    const desc = this.allocate(RING_BYTES, 4096)
    const avail = desc + 0x2000
    const used = desc + 0x3000
    this.transport.enableQueue(index, entries, [desc, avail, used])
    this.rings.push({
      size: entries,
      desc,
      avail,
      used,
      free: Array.from({ length: entries }, (_, i) => i),
      posted: new Map(),
      availIndex: 0,
      usedIndex: 0,
    })
  }
}

/** Lets timers, promises and host work go on. */
export function turnOfLoop(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 0))
}

/** Plugs a device into virtio-mmio with RAM of its own. */
export function mmioDriver(device: VirtioDevice, paced?: PacedWork): Driver {
  const { memory, wire, line } = machine()
  return new Driver(memory, mmioTransport(new VirtioMmio(device, { memory, line, paced })), wire)
}

/** Plugs a device into slot 1 of a PCI host, places its BAR, and finds its structures through the capabilities. */
export function pciDriver(device: VirtioDevice): Driver {
  const { memory, wire, line } = machine()
  const idle: IrqLine = { set: () => undefined }
  // Slot 1's INTA# is wire 1.
  const host = new PciHost({
    intx: [idle, line, idle, idle],
    windows: [{ base: 0x4000_0000, lengthBytes: 0x4000_0000 }],
  })
  host.plug(virtioPci(device, memory))
  return new Driver(memory, pciTransport(host), wire)
}

function machine(): { memory: FlatMemory; wire: { level: boolean }; line: IrqLine } {
  const wire = { level: false }
  const line = { set: (level: boolean): void => void (wire.level = level) }
  return { memory: new FlatMemory(RAM_BASE, RAM_BYTES), wire, line }
}

function mmioTransport(mmio: VirtioMmio): Transport {
  const read = (offset: number): number => mmio.read(offset, 4) >>> 0
  const write = (offset: number, value: number): void => mmio.write(offset, 4, value)
  return {
    deviceId: read(0x008),
    offered() {
      write(0x014, 1)
      const high = read(0x010)
      write(0x014, 0)
      return (BigInt(high) << 32n) | BigInt(read(0x010))
    },
    accept(features) {
      for (const word of [0, 1]) {
        write(0x024, word)
        write(0x020, Number(BigInt.asUintN(32, features >> BigInt(32 * word))))
      }
    },
    status: () => read(0x070),
    setStatus: status => write(0x070, status),
    queueSizeMax(queue) {
      write(0x030, queue)
      return read(0x034)
    },
    enableQueue(queue, size, areas) {
      write(0x030, queue)
      write(0x038, size)
      areas.forEach((gpa, i) => {
        write([0x080, 0x090, 0x0a0][i] as number, gpa >>> 0)
        write([0x084, 0x094, 0x0a4][i] as number, Math.floor(gpa / 2 ** 32))
      })
      write(0x044, 1)
    },
    notify: queue => write(0x050, queue),
    config: (offset, width) => mmio.read(0x100 + offset, width),
    setConfig: (offset, width, value) => mmio.write(0x100 + offset, width, value),
    configGeneration: () => read(0x0fc),
    takeInterrupt() {
      const reasons = read(0x060)
      write(0x064, reasons)
      return reasons
    },
  }
}

/** Where Linux would put the BAR; any place in the window will do. */
const BAR_AT = 0x4010_0000

function pciTransport(host: PciHost): Transport {
  const slot = 1 << 15
  const header = (offset: number, width: 1 | 2 | 4): number => host.ecam.read(slot + offset, width)
  const window = host.windows[0] as (typeof host.windows)[number]
  host.ecam.write(slot + 0x20, 4, BAR_AT)
  host.ecam.write(slot + 0x24, 4, 0)
  host.ecam.write(slot + 0x04, 2, 0x6)
  const structures = new Map<number, number>()
  let multiplier = 0
  for (let at = header(0x34, 1); at !== 0; at = header(at + 1, 1)) {
    if (header(at, 1) !== 9) continue
    const type = header(at + 3, 1)
    structures.set(type, BAR_AT - window.base + header(at + 8, 4))
    if (type === 2) multiplier = header(at + 16, 4)
  }
  const of = (type: number): number => structures.get(type) as number
  const read = (offset: number, width: 1 | 2 | 4): number => window.device.read(of(1) + offset, width)
  const write = (offset: number, width: 1 | 2 | 4, value: number): void =>
    window.device.write(of(1) + offset, width, value)
  return {
    deviceId: header(2, 2) - 0x1040,
    offered() {
      write(0, 4, 1)
      const high = read(4, 4)
      write(0, 4, 0)
      return (BigInt(high) << 32n) | BigInt(read(4, 4))
    },
    accept(features) {
      for (const word of [0, 1]) {
        write(8, 4, word)
        write(12, 4, Number(BigInt.asUintN(32, features >> BigInt(32 * word))))
      }
    },
    status: () => read(0x14, 1),
    setStatus: status => write(0x14, 1, status),
    queueSizeMax(queue) {
      write(0x16, 2, queue)
      return read(0x18, 2)
    },
    enableQueue(queue, size, areas) {
      write(0x16, 2, queue)
      write(0x18, 2, size)
      areas.forEach((gpa, i) => {
        write(0x20 + 8 * i, 4, gpa >>> 0)
        write(0x24 + 8 * i, 4, Math.floor(gpa / 2 ** 32))
      })
      write(0x1c, 2, 1)
    },
    notify(queue) {
      write(0x16, 2, queue)
      window.device.write(of(2) + read(0x1e, 2) * multiplier, 2, queue)
    },
    config: (offset, width) => window.device.read(of(4) + offset, width),
    setConfig: (offset, width, value) => window.device.write(of(4) + offset, width, value),
    configGeneration: () => read(0x15, 1),
    takeInterrupt: () => window.device.read(of(3), 1),
  }
}
