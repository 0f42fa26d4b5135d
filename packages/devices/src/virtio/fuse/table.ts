import { Errno } from '../../errno.ts'
import { controlOps, MAX_DATA_BYTES } from './control-ops.ts'
import { directoryOps } from './directory-ops.ts'
import { fileOps } from './file-ops.ts'
import { nameOps } from './name-ops.ts'
import { nodeOps } from './node-ops.ts'
import type { FuseRow } from './row.ts'
import type { FuseSession } from './session.ts'
import { concat } from './wire.ts'

/** Every operation spoken; any other one is ENOSYS, which tells the guest not to ask again. */
export const fuseRows: readonly FuseRow[] = [...controlOps, ...nodeOps, ...nameOps, ...fileOps, ...directoryOps]

/** struct fuse_in_header and fuse_out_header. */
const IN_HEADER_BYTES = 40
const OUT_HEADER_BYTES = 16
/** The largest request: a full write and its fixed part. */
export const MAX_REQUEST_BYTES: number = MAX_DATA_BYTES + 4096
const OP_INIT = 26

const byOpcode = new Map(fuseRows.map(row => [row.opcode, row]))

/**
 * Answers one message of the FUSE protocol (7.31): the reply with its header, at most `roomBytes` long, or undefined
 * when there is none to send.
 */
export async function answerFuse(
  session: FuseSession,
  message: Uint8Array,
  roomBytes: number,
): Promise<Uint8Array | undefined> {
  if (message.length < IN_HEADER_BYTES) return undefined
  const view = new DataView(message.buffer, message.byteOffset, message.length)
  const unique = view.getBigUint64(8, true)
  const row = byOpcode.get(view.getUint32(4, true))
  const payloadRoom = roomBytes - OUT_HEADER_BYTES
  const outcome =
    view.getUint32(0, true) === message.length ? await run(session, row, message, payloadRoom) : Errno.EINVAL
  if (row?.isAnswered === false || payloadRoom < 0) return undefined
  if (typeof outcome === 'number') return reply(unique, outcome, new Uint8Array(0))
  return outcome.length > payloadRoom ? reply(unique, Errno.EIO, new Uint8Array(0)) : reply(unique, 0, outcome)
}

async function run(
  session: FuseSession,
  row: FuseRow | undefined,
  message: Uint8Array,
  roomBytes: number,
): Promise<Uint8Array | number> {
  if (!row) return Errno.ENOSYS
  if (!session.isInitialized && row.opcode !== OP_INIT) return Errno.EIO
  if (row.changes && session.store.readOnly) return Errno.EROFS
  const node = new DataView(message.buffer, message.byteOffset).getBigUint64(16, true)
  const request = row.parse(Number(node), message.subarray(IN_HEADER_BYTES), roomBytes)
  if (typeof request === 'number') return request
  try {
    return await row.run(session, request)
  } catch (error) {
    session.report(error)
    return Errno.EIO
  }
}

function reply(unique: bigint, errno: number, payload: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(OUT_HEADER_BYTES))
  header.setUint32(0, OUT_HEADER_BYTES + payload.length, true)
  header.setInt32(4, -errno, true)
  header.setBigUint64(8, unique, true)
  return concat(new Uint8Array(header.buffer), payload)
}
