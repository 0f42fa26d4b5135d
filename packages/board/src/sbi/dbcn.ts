import {
  failure,
  isRam,
  SBI_ERR_INVALID_PARAM,
  type SbiArguments,
  type SbiExtension,
  type SbiFunction,
  type SbiPlatform,
  success,
} from './abi.ts'

/** Debug console, SBI 2.0 §12. */
const DBCN: SbiExtension = { name: 'DBCN', id: 0x4442_434e }

/** A call moves at most this much; callers go on with the rest, as the specification lets a call be partial. */
const MAX_CALL_BYTES = 64 * 1024

/** The rows of DBCN. */
export const dbcnFunctions: readonly SbiFunction[] = [
  {
    extension: DBCN,
    name: 'debug_console_write',
    functionId: 0,
    run: (platform, _caller, args) => {
      const buffer = bufferOf(platform, args)
      if (buffer === undefined) return failure(SBI_ERR_INVALID_PARAM)
      const bytes = new Uint8Array(buffer.lengthBytes)
      platform.memory.read(buffer.base, bytes)
      if (bytes.length > 0) platform.console.write(bytes)
      return success(bytes.length)
    },
  },
  {
    extension: DBCN,
    name: 'debug_console_read',
    functionId: 1,
    run: (platform, _caller, args) => {
      const buffer = bufferOf(platform, args)
      if (buffer === undefined) return failure(SBI_ERR_INVALID_PARAM)
      const bytes = platform.console.read(buffer.lengthBytes)
      platform.memory.write(buffer.base, bytes)
      return success(bytes.length)
    },
  },
  {
    extension: DBCN,
    name: 'debug_console_write_byte',
    functionId: 2,
    run: (platform, _caller, [byte]) => {
      platform.console.write(Uint8Array.of(Number(byte & 0xffn)))
      return success()
    },
  },
]

/** The caller's buffer, cut to what one call moves; undefined unless all of what was named is RAM. */
function bufferOf(
  platform: SbiPlatform,
  [lengthBytes, low, high]: SbiArguments,
): { readonly base: number; readonly lengthBytes: number } | undefined {
  if (high !== 0n || !isRam(platform, low, lengthBytes)) return undefined
  return { base: Number(low), lengthBytes: Math.min(Number(lengthBytes), MAX_CALL_BYTES) }
}
