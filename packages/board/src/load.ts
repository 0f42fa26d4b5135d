import {
  DoppelError,
  EM_RISCV,
  type ElfFile,
  formatSize,
  type GuestMemory,
  hex,
  isElf,
  MIB,
  PAGE_BYTES,
  parseElf,
} from '@doppel/base'
import { kernelFormat, parseRiscvImage } from './kernel-image.ts'

/** A file a machine is started from, with the name error messages use. */
export interface BootFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Guest-physical `[base, base + lengthBytes)`. */
export interface GuestRange {
  readonly base: number
  readonly lengthBytes: number
}

/** Linux maps itself with 2 MiB pages, and what lies below it belongs to the M-mode firmware. */
const KERNEL_ALIGNMENT_BYTES = 2 * MIB
/** Room for the device tree and for what firmware adds to it in place. */
const TREE_AREA_BYTES = 256 * 1024
/** Linux reads the tree through one 4 MiB window at a 2 MiB boundary, which a 64 KiB-aligned area stays inside. */
const TREE_ALIGNMENT_BYTES = 64 * 1024

/** Puts images into RAM, refusing what does not fit or would overlap what is already placed. */
export class BootLoader {
  readonly #memory: GuestMemory
  readonly #base: number
  readonly #end: number
  readonly #placed: (GuestRange & { readonly name: string })[] = []

  /** Loads into the first range of `memory`. */
  constructor(memory: GuestMemory) {
    const ram = memory.ranges[0]
    if (ram === undefined) throw new DoppelError('load.memory', 'this machine has no memory to load into')
    this.#memory = memory
    this.#base = ram.base
    this.#end = ram.base + ram.lengthBytes
  }

  /** Where the device tree goes: the top of RAM. Call before the tree is built, so that other images keep clear. */
  reserveTree(): number {
    const base = Math.floor((this.#end - TREE_AREA_BYTES) / TREE_ALIGNMENT_BYTES) * TREE_ALIGNMENT_BYTES
    this.#place('the device tree', base, TREE_AREA_BYTES)
    return base
  }

  /** Writes the blob where `reserveTree` said. Throws `load.device-tree` when it is too long. */
  writeTree(base: number, blob: Uint8Array): void {
    if (blob.length > TREE_AREA_BYTES) {
      throw new DoppelError(
        'load.device-tree',
        `the device tree has ${blob.length} bytes; there is room for ${TREE_AREA_BYTES}. Is the command line too long?`,
        { lengthBytes: blob.length },
      )
    }
    this.#memory.write(base, blob)
  }

  /** M-mode firmware: an ELF file at its own addresses, anything else at the start of RAM. Returns its entry. */
  firmware(file: BootFile): bigint {
    if (kernelFormat(file.bytes, file.name) === 'elf') {
      const elf = this.elf(file)
      return physicalAddress(elf, elf.entry)
    }
    this.#put(file, this.#base, file.bytes.length)
    return BigInt(this.#base)
  }

  /**
   * A kernel: a Linux Image or raw binary 2 MiB into RAM (higher above larger firmware), an ELF file at its physical
   * addresses. Returns where to start it. Throws what `kernelFormat`, `parseRiscvImage` and `parseElf` throw.
   */
  kernel(file: BootFile): bigint {
    const format = kernelFormat(file.bytes, file.name)
    if (format === 'elf') {
      const elf = this.elf(file)
      return physicalAddress(elf, elf.entry)
    }
    const needs = format === 'raw' ? file.bytes.length : parseRiscvImage(file.bytes, file.name).memoryBytes
    const firmwareEnd = Math.max(
      this.#base + 1,
      ...this.#placed.filter(range => range.base === this.#base).map(range => range.base + range.lengthBytes),
    )
    const base = alignUp(firmwareEnd, this.#base, KERNEL_ALIGNMENT_BYTES)
    this.#put(file, base, needs)
    return BigInt(base)
  }

  /** An initial RAM disk: as high as it goes, page aligned. */
  initrd(file: BootFile): GuestRange {
    const top = Math.min(this.#end, ...this.#placed.filter(range => range.name === 'the device tree').map(r => r.base))
    const base = Math.floor((top - file.bytes.length) / PAGE_BYTES) * PAGE_BYTES
    this.#put(file, base, file.bytes.length)
    return { base, lengthBytes: file.bytes.length }
  }

  /** A RISC-V ELF file's segments at their physical addresses. */
  elf(file: BootFile): ElfFile {
    const elf = parseElf(file.bytes, { name: file.name, machine: EM_RISCV })
    if (elf.segments.length === 0) {
      throw new DoppelError('load.empty', `${file.name} has no segment to load; is it an object file?`, {
        name: file.name,
      })
    }
    for (const [i, segment] of elf.segments.entries()) {
      const base = safeAddress(segment.physicalAddress)
      // Linking with -Ttext at RAM's start makes GNU ld put the file's own headers, which nothing runs, just below it.
      const headersBytes = isElf(segment.bytes) && base < this.#base ? this.#base - base : 0
      if (headersBytes >= segment.memoryBytes) continue
      const image = { name: `${file.name} (segment ${i})`, bytes: segment.bytes.subarray(headersBytes) }
      this.#put(image, base + headersBytes, segment.memoryBytes - headersBytes)
    }
    return elf
  }

  /** RAM is zero when a machine is made, so what lies past the file's bytes needs no writing. */
  #put(file: BootFile, base: number, lengthBytes: number): void {
    if (lengthBytes === 0) {
      throw new DoppelError('load.empty', `${file.name} is empty; expected something to put into memory`, {
        name: file.name,
      })
    }
    this.#place(file.name, base, lengthBytes)
    this.#memory.write(base, file.bytes)
  }

  #place(name: string, base: number, lengthBytes: number): void {
    const ram = `RAM is ${hex(this.#base)}..${hex(this.#end)}`
    const size = formatSize(lengthBytes)
    if (lengthBytes > this.#end - this.#base) {
      throw new DoppelError(
        'load.too-large',
        `${name} needs ${size}, the machine has ${formatSize(this.#end - this.#base)} of memory; give it more`,
        { name, lengthBytes, memoryBytes: this.#end - this.#base },
      )
    }
    const details = { name, base, lengthBytes }
    const other = this.#placed.find(range => base < range.base + range.lengthBytes && range.base < base + lengthBytes)
    if (base >= this.#base && base + lengthBytes > this.#end) {
      throw new DoppelError('load.too-large', `${name} needs ${size} at ${hex(base)}; ${ram}`, details)
    }
    if (!this.#memory.contains(base, lengthBytes)) {
      // An image placed downwards from the top has run out of room below; one with an address of its own is misplaced.
      const where = Number.isSafeInteger(base) && base >= 0 ? hex(base) : 'an address no memory has'
      throw new DoppelError('load.outside', `${name} (${size}) would lie at ${where}; ${ram}`, details)
    }
    if (other !== undefined) {
      throw new DoppelError(
        'load.overlap',
        `${name} (${size} at ${hex(base)}) would overlap ${other.name} (${formatSize(other.lengthBytes)} at ` +
          `${hex(other.base)}); ${ram}: give the machine more memory`,
        { ...details, other: other.name },
      )
    }
    this.#placed.push({ name, base, lengthBytes })
  }
}

function alignUp(address: number, origin: number, alignment: number): number {
  return origin + Math.ceil((address - origin) / alignment) * alignment
}

/** A number no memory contains when the address is beyond exact numbers. */
function safeAddress(address: bigint): number {
  return address <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(address) : Infinity
}

/**
 * The guest-physical address of a program's own address: programs are linked at virtual addresses and start with paging
 * off. An address outside every segment is returned as it is.
 */
export function physicalAddress({ segments }: ElfFile, address: bigint): bigint {
  const home = segments.find(
    ({ virtualAddress, memoryBytes }) => address >= virtualAddress && address < virtualAddress + BigInt(memoryBytes),
  )
  return home === undefined ? address : address - home.virtualAddress + home.physicalAddress
}
