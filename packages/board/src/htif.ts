import type { ElfFile, GuestMemory } from '@doppel/base'
import { physicalAddress } from './load.ts'

/** The Berkeley host-target interface of bare-metal programs, as riscv-tests and riscv-pk use it. */
export interface HtifConfig {
  readonly memory: GuestMemory
  /** Guest-physical addresses of the two 64-bit mailboxes. */
  readonly tohost: number
  readonly fromhost: number | undefined
  readonly write: (bytes: Uint8Array) => void
  /** The program has ended; 0 is success. */
  readonly exit: (code: number) => void
}

const DEVICE_SYSCALL = 0n
const DEVICE_CONSOLE = 1n
const CONSOLE_PUTCHAR = 1n
const SYS_WRITE = 64n
const SYS_EXIT = 93n
const ENOSYS = 38n
const MAX_WRITE_BYTES = 64 * 1024

/** Looks at `tohost` between slices and answers what it finds: an exit, a write, a character. */
export class Htif {
  readonly #config: HtifConfig
  readonly #word = new DataView(new ArrayBuffer(8))

  constructor(config: HtifConfig) {
    this.#config = config
  }

  /** Serves the command in the mailbox, if there is one. */
  poll(): void {
    const command = this.#read(this.#config.tohost)
    if (command === undefined || command === 0n) return
    const [device, operation, payload] = [command >> 56n, (command >> 48n) & 0xffn, command & 0xffff_ffff_ffffn]
    if (device === DEVICE_SYSCALL && (payload & 1n) === 1n) {
      // An exit stays in the mailbox: there is nobody left to take an answer.
      this.#config.exit(exitCode(payload >> 1n))
      return
    }
    if (device === DEVICE_SYSCALL) this.#syscall(Number(payload))
    else if (device === DEVICE_CONSOLE && operation === CONSOLE_PUTCHAR) {
      this.#config.write(Uint8Array.of(Number(payload & 0xffn)))
    }
    this.#store(this.#config.tohost, 0n)
    const answer = device === DEVICE_SYSCALL ? 1n : (device << 56n) | (operation << 48n)
    if (this.#config.fromhost !== undefined) this.#store(this.#config.fromhost, answer)
  }

  /** `at` points to four words: number and three arguments; the result replaces the number. */
  #syscall(at: number): void {
    const [number, , address, length] = [0, 8, 16, 24].map(offset => this.#read(at + offset) ?? 0n) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ]
    if (number === SYS_EXIT) {
      this.#config.exit(exitCode(this.#read(at + 8) ?? 0n))
    } else if (number === SYS_WRITE) {
      const bytes = new Uint8Array(Number(length < MAX_WRITE_BYTES ? length : BigInt(MAX_WRITE_BYTES)))
      const readable = address <= BigInt(Number.MAX_SAFE_INTEGER) && this.#config.memory.read(Number(address), bytes)
      if (readable) this.#config.write(bytes)
      this.#store(at, readable ? BigInt(bytes.length) : -1n)
    } else {
      this.#store(at, -ENOSYS)
    }
  }

  #read(gpa: number): bigint | undefined {
    const bytes = new Uint8Array(this.#word.buffer)
    return this.#config.memory.read(gpa, bytes) ? this.#word.getBigUint64(0, true) : undefined
  }

  #store(gpa: number, value: bigint): void {
    this.#word.setBigUint64(0, BigInt.asUintN(64, value), true)
    this.#config.memory.write(gpa, new Uint8Array(this.#word.buffer))
  }
}

/** Codes are small; one that is not must still not read as success. */
function exitCode(value: bigint): number {
  return value > 0xffff_ffffn ? 0xffff_ffff : Number(value)
}

/** The mailboxes of a program with a `tohost` symbol, through which it ends and prints; undefined for others. */
export function mailbox(elf: ElfFile, ends: Pick<HtifConfig, 'memory' | 'write' | 'exit'>): Htif | undefined {
  const address = (name: string): number | undefined => {
    const symbol = elf.symbols.find(candidate => candidate.name === name)
    const value = symbol && physicalAddress(elf, symbol.value)
    return value === undefined || value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value)
  }
  const tohost = address('tohost')
  return tohost === undefined ? undefined : new Htif({ ...ends, tohost, fromhost: address('fromhost') })
}
