import { Errno } from '../../errno.ts'
import type { NodeId, Outcome } from '../../folder-store.ts'
import type { FuseSession } from './session.ts'

/** Longest name (Linux NAME_MAX) and longest symbolic-link target (PATH_MAX less its terminator), in bytes. */
export const NAME_MAX_BYTES = 255
const TARGET_MAX_BYTES = 4095

/**
 * A field of a request's fixed part: unsigned 32 or 64 bits, signed 64 bits, or one that is not looked at. A 64-bit
 * value that a JavaScript number cannot hold exactly makes the request EINVAL.
 */
type Field = 'u32' | 'u64' | 'i64' | 'skip32' | 'skip64'
/** What follows the fixed part, each NUL-terminated: a directory entry's name, or a symbolic link's target. */
type Text = 'name' | 'target'

/** A request, checked, as its row's `run` sees it. */
export interface FuseRequest<F extends string = string, T extends string = string> {
  readonly node: NodeId
  readonly args: Readonly<Record<F, number>>
  readonly text: Readonly<Record<T, string>>
  /** What follows fixed part and names: data to write, or a list. */
  readonly rest: Uint8Array
  /** Room for the answer's payload. */
  readonly roomBytes: number
}

/** One operation of the FUSE protocol. */
export interface FuseRow {
  readonly name: string
  readonly opcode: number
  /** Changes something: EROFS on a read-only folder. */
  readonly changes: boolean
  /** False for the few that are never answered. */
  readonly isAnswered: boolean
  /** Reads the body that follows struct fuse_in_header; an error number when it is malformed. */
  parse(node: NodeId, body: Uint8Array, roomBytes: number): FuseRequest | number
  /** The answer's payload, or an error number. */
  run(session: FuseSession, request: FuseRequest): Outcome<Uint8Array> | Promise<Outcome<Uint8Array>>
}

interface RowSpec<F extends string, T extends string> {
  readonly name: string
  readonly opcode: number
  readonly changes?: boolean
  readonly isAnswered?: boolean
  readonly args?: Readonly<Record<F, Field>>
  readonly text?: Readonly<Record<T, Text>>
  readonly run: (session: FuseSession, request: FuseRequest<F, T>) => Outcome<Uint8Array> | Promise<Outcome<Uint8Array>>
}

/** Declares an operation; its arguments are described once and arrive parsed and checked. */
export function fuseOp<const F extends string = never, const T extends string = never>(spec: RowSpec<F, T>): FuseRow {
  const { name, opcode, changes = false, isAnswered = true, run } = spec
  const fields = Object.entries<Field>(spec.args ?? {})
  const texts = Object.entries<Text>(spec.text ?? {})
  return {
    name,
    opcode,
    changes,
    isAnswered,
    run: (session, request) => run(session, request as FuseRequest<F, T>),
    parse(node, body, roomBytes) {
      const args: Record<string, number> = {}
      const view = new DataView(body.buffer, body.byteOffset, body.length)
      let at = 0
      for (const [field, kind] of fields) {
        const width = kind === 'u32' || kind === 'skip32' ? 4 : 8
        if (at + width > body.length) return Errno.EINVAL
        const value = readField(view, at, kind)
        if (!Number.isSafeInteger(value)) return Errno.EINVAL
        args[field] = value
        at += width
      }
      const text: Record<string, string> = {}
      for (const [field, kind] of texts) {
        const end = body.indexOf(0, at)
        if (end < 0) return Errno.EINVAL
        const value = readText(body.subarray(at, end), kind)
        if (typeof value === 'number') return value
        text[field] = value
        at = end + 1
      }
      return { node, args, text, rest: body.subarray(at), roomBytes }
    },
  }
}

function readField(view: DataView, at: number, kind: Field): number {
  switch (kind) {
    case 'u32':
      return view.getUint32(at, true)
    case 'u64':
      return Number(view.getBigUint64(at, true))
    case 'i64':
      return Number(view.getBigInt64(at, true))
    default:
      return 0
  }
}

/** The guest's own kernel never sends such names; what is refused here could only be an attempt to leave the folder. */
function readText(bytes: Uint8Array, kind: Text): Outcome<string> {
  if (bytes.length > (kind === 'name' ? NAME_MAX_BYTES : TARGET_MAX_BYTES)) return Errno.ENAMETOOLONG
  const text = decodeUtf8(bytes)
  if (text === undefined) return Errno.EILSEQ
  if (text === '') return Errno.EINVAL
  if (kind === 'name' && (text === '.' || text === '..' || text.includes('/'))) return Errno.EINVAL
  return text
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined // Not UTF-8: such a name cannot be told to the host's file system exactly.
  }
}
