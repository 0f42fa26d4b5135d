import type { OutputStream } from '../../machine/ports.ts'
import { type ByteMemory, WAIT } from '../host-machine.ts'
import type { StandardUnits } from '../standard/standard-row.ts'
import { type Console, END_OF_INPUT, NOTHING_YET } from './console.ts'
import { BLOCK_BYTES, type DiskPort } from './disk.ts'
import { IoResult } from './io-result.ts'

/** Units by number (II.0, “Unit numbers”): what there is beside the console and disks is optional. */
export const Unit = { console: 1, terminal: 2, printer: 6, remoteOut: 8 } as const

/** Units that disks can be. */
export const DISK_UNITS: readonly number[] = [4, 5, 9, 10, 11, 12]

/** What reading found at the end of the console's input: the system can only end. */
export const INPUT_ENDED = -3

/** What units are. */
export interface UnitTable {
  readonly disks: ReadonlyMap<number, DiskPort>
  readonly printer?: OutputStream | undefined
  readonly remoteOut?: OutputStream | undefined
}

/** What is exchanged between machine and disk at a time. */
const CHUNK_BYTES = 4096

/** Does input and output by unit numbers. */
export class Units implements StandardUnits {
  readonly #console: Console
  readonly #table: UnitTable
  /** Bytes that the read which waits has got so far. */
  #progress = 0

  constructor(console: Console, table: UnitTable) {
    this.#console = console
    this.#table = table
  }
  /** Forgets a read that was waiting. */
  abandon(): void {
    this.#progress = 0
  }

  read(machine: ByteMemory, unit: number, address: number, bytes: number, block: number): number {
    if (unit === Unit.console || unit === Unit.terminal) return this.#readConsole(machine, unit, address, bytes)
    const disk = this.#table.disks.get(unit)
    if (disk === undefined) return this.#isKnown(unit) ? IoResult.badMode : IoResult.noUnit
    const offset = block * BLOCK_BYTES
    if (offset + bytes > disk.sizeBytes) return IoResult.badBlock
    const buffer = new Uint8Array(Math.min(bytes, CHUNK_BYTES))
    for (let done = 0; done < bytes; done += buffer.length) {
      const part = buffer.subarray(0, Math.min(buffer.length, bytes - done))
      disk.read(offset + done, part)
      for (let i = 0; i < part.length; i++) machine.setByte(address + done + i, part[i] as number)
    }
    return IoResult.ok
  }

  #readConsole(machine: ByteMemory, unit: number, address: number, bytes: number): number {
    while (this.#progress < bytes) {
      const character = this.#console.read()
      if (character === NOTHING_YET) return WAIT
      if (character === END_OF_INPUT) return INPUT_ENDED
      if (unit === Unit.console) this.#console.write([character], 0)
      machine.setByte(address + this.#progress++, character)
    }
    this.#progress = 0
    return IoResult.ok
  }

  write(machine: ByteMemory, unit: number, address: number, bytes: number, block: number, mode: number): number {
    const disk = this.#table.disks.get(unit)
    if (disk !== undefined) {
      if (disk.readOnly) return IoResult.writeProtected
      if (block * BLOCK_BYTES + bytes > disk.sizeBytes) return IoResult.badBlock
      disk.write(block * BLOCK_BYTES, bytesOf(machine, address, bytes))
      return IoResult.ok
    }
    if (unit === Unit.console || unit === Unit.terminal) {
      this.#console.write(bytesOf(machine, address, bytes), mode)
      return IoResult.ok
    }
    const stream = this.#outputOf(unit)
    if (stream === undefined) return this.#isKnown(unit) ? IoResult.badMode : IoResult.noUnit
    // Lines end with carriage returns inside, with line feeds outside.
    stream.write(bytesOf(machine, address, bytes).map(byte => (byte === 13 ? 10 : byte)))
    return IoResult.ok
  }
  #outputOf(unit: number): OutputStream | undefined {
    if (unit === Unit.printer) return this.#table.printer
    return unit === Unit.remoteOut ? this.#table.remoteOut : undefined
  }

  clear(unit: number): number {
    if (unit === Unit.console || unit === Unit.terminal) this.#console.clear()
    return this.#isKnown(unit) ? IoResult.ok : IoResult.noUnit
  }
  status(unit: number): number | undefined {
    if (!this.#isKnown(unit)) return undefined
    if (unit !== Unit.console && unit !== Unit.terminal) return 0
    this.#console.poll()
    return this.#console.available
  }
  #isKnown(unit: number): boolean {
    if (unit === Unit.console || unit === Unit.terminal) return true
    return this.#table.disks.has(unit) || this.#outputOf(unit) !== undefined
  }
}

function bytesOf(machine: ByteMemory, address: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => machine.byte(address + i))
}
