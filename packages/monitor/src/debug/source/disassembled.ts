import type { ShownInstruction } from '@doppel/base'
import type { CodeIndex } from './code-index.ts'
import type { CodeInstruction } from './machine-code.ts'

/** Code to be shown. */
interface ShownCode {
  readonly index: CodeIndex
  readonly at: (address: bigint) => CodeInstruction | undefined
  readonly read: (address: bigint, lengthBytes: number) => Uint8Array
}

/** The least that an instruction is long: how far apart those are that cannot be read. */
const STEP_BYTES = 2n
const MAX_COUNT = 10_000
const MAX_BACK_BYTES = 1n << 16n

/** So many instructions from so many after (less than 0: before) the one at an address on. */
export function disassembled(code: ShownCode, address: bigint, first: number, count: number): ShownInstruction[] {
  const wanted = Math.min(count, MAX_COUNT)
  const before = first < 0 ? addressesBefore(code, address, Math.min(-first, MAX_COUNT)) : []
  const found = before.slice(0, wanted).map(at => shown(code, at))
  let at = address
  for (let skipped = 0; skipped < first && skipped < MAX_COUNT; skipped++) at += lengthAt(code, at)
  // All that is wanted may be before it.
  if (first < 0 && wanted <= -first) return found
  for (; found.length < wanted; at += lengthAt(code, at)) found.push(shown(code, at))
  return found
}

/** The addresses of instructions before one: decoded from where its function begins, since they have several lengths. */
function addressesBefore(code: ShownCode, address: bigint, count: number): bigint[] {
  const place = code.index.names.at(address)
  const start = place && place.offset <= MAX_BACK_BYTES ? place.address : address
  const found: bigint[] = []
  for (let at = start; at < address; at += lengthAt(code, at)) found.push(at)
  for (let at = start - STEP_BYTES; found.length < count && at >= 0n; at -= STEP_BYTES) found.unshift(at)
  return found.slice(-count)
}
function lengthAt(code: ShownCode, address: bigint): bigint {
  return BigInt(code.at(address)?.lengthBytes ?? 0) || STEP_BYTES
}
function shown({ index, at, read }: ShownCode, address: bigint): ShownInstruction {
  const instruction = at(address)
  const name = index.names.at(address)
  const row = index.rowAt(address)
  const bytes = instruction ? read(address, instruction.lengthBytes) : new Uint8Array()
  return {
    address,
    bytes: Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(''),
    text: instruction?.text ?? '(no code)',
    symbol: name?.offset === 0n ? name.name : undefined,
    ...(row && row.line > 0 && { place: { file: row.file, line: row.line } }),
  }
}
