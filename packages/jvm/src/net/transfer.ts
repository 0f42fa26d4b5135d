import { JavaProblem } from '../problem.ts'
import { HostIoError, type Vm } from '../runtime/vm.ts'
import type { Endpoint } from './endpoint.ts'

/** What sun.nio.ch.IOStatus calls the end, and that nothing can be done now. */
export const IO_STATUS = { eof: -1, unavailable: -2 } as const

/** Bytes of an iovec (readv(2)): address and length, eight bytes each. */
const VECTOR_BYTES = 16

function failing<R>(run: () => R): R {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof HostIoError)) throw error
    const name = error.errno === 'ECONNRESET' ? 'sun/net/ConnectionResetException' : 'java/io/IOException'
    throw new JavaProblem(name, error.reason)
  }
}

/** Reads what is there into memory: how many bytes, or one of `IO_STATUS`. */
export function receive(vm: Vm, endpoint: Endpoint, address: bigint, length: number): number {
  const bytes = failing(() => endpoint.read(length))
  if (bytes === undefined) return IO_STATUS.unavailable
  new Uint8Array(vm.memory.buffer).set(bytes, Number(address))
  return bytes.length === 0 && length > 0 ? IO_STATUS.eof : bytes.length
}

/** Writes from memory what there is room for: how many bytes, or one of `IO_STATUS`. */
export function send(vm: Vm, endpoint: Endpoint, address: bigint, length: number): number {
  const bytes = new Uint8Array(vm.memory.buffer, Number(address), length)
  const count = failing(() => endpoint.write(bytes))
  return count === 0 && length > 0 ? IO_STATUS.unavailable : count
}

/** Does it for each buffer of a list until one is not filled or emptied. */
export function vectored(
  vm: Vm,
  endpoint: Endpoint | undefined,
  list: bigint,
  count: number,
  transfer: typeof receive,
): number {
  if (!endpoint) throw new JavaProblem('java/io/IOException', 'Operation not supported')
  let total = 0
  for (let i = 0; i < count; i++) {
    const at = Number(list) + i * VECTOR_BYTES
    const length = Number(vm.view.getBigInt64(at + 8, true))
    const done = transfer(vm, endpoint, vm.view.getBigInt64(at, true), length)
    if (done < 0) return total > 0 ? total : done
    total += done
    if (done < length) break
  }
  return total
}
