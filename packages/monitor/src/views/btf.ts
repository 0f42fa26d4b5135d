/** Types as the Linux kernel carries them (Documentation/bpf/btf.rst), read for where a structure has its members. */

const MAGIC = 0xeb9f
const HEADER_BYTES = 24
const TYPE_BYTES = 12
const MEMBER_BYTES = 12
const MAX_NAME_BYTES = 128
const KIND = {
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  funcProto: 13,
  var: 14,
  datasec: 15,
  declTag: 17,
  enum64: 19,
} as const
/** Bytes that follow a type, for each of its `vlen` parts, and once. */
const PART_BYTES: Readonly<Record<number, number>> = {
  [KIND.struct]: MEMBER_BYTES,
  [KIND.union]: MEMBER_BYTES,
  [KIND.enum]: 8,
  [KIND.funcProto]: 8,
  [KIND.datasec]: 12,
  [KIND.enum64]: 12,
}
const EXTRA_BYTES: Readonly<Record<number, number>> = { 1: 4, [KIND.array]: 12, [KIND.var]: 4, [KIND.declTag]: 4 }

/** Where the members of a structure are, in bytes, by name; undefined where BTF has none of that name, or is damaged. */
export function btfMembers(btf: Uint8Array, structure: string): Map<string, number> | undefined {
  if (btf.length < HEADER_BYTES) return undefined
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength)
  if (view.getUint16(0, true) !== MAGIC) return undefined
  const word = (at: number): number => (at + 4 <= btf.length ? view.getUint32(at, true) : 0)
  const base = word(4)
  const [types, strings] = [base + word(8), base + word(16)]
  const end = Math.min(types + word(12), btf.length)
  const isNamed = (name: number, text: string): boolean => nameAt(btf, strings + name) === text
  for (let at = types; at + TYPE_BYTES <= end; ) {
    const info = word(at + 4)
    const [kind, count] = [(info >>> 24) & 0x1f, info & 0xffff]
    const parts = at + TYPE_BYTES
    if (kind === KIND.struct && count > 0 && isNamed(word(at), structure)) {
      // With the flag a member's offset shares its word with a bit field's size.
      const mask = info >>> 31 ? 0xff_ffff : 0xffff_ffff
      const member = (i: number): [string, number] => {
        const from = parts + i * MEMBER_BYTES
        return [nameAt(btf, strings + word(from)), ((word(from + 8) & mask) >>> 0) / 8]
      }
      return new Map(Array.from({ length: count }, (_, i) => member(i)))
    }
    at = parts + (EXTRA_BYTES[kind] ?? 0) + (PART_BYTES[kind] ?? 0) * count
  }
  return undefined
}

function nameAt(bytes: Uint8Array, at: number): string {
  let text = ''
  for (let i = at; i < at + MAX_NAME_BYTES && bytes[i]; i++) text += String.fromCharCode(bytes[i] as number)
  return text
}
