import { JavaProblem } from '../problem.ts'
import type { Ref } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'
import { adler32, crc32, Deflater } from './deflate.ts'
import { InflateError, Inflater } from './inflate.ts'
import { natives } from './table.ts'

const memory = (vm: Vm, address: bigint, length: number): Uint8Array =>
  new Uint8Array(vm.memory.buffer, Number(address), length).slice()

natives('java/util/zip/CRC32', {
  update: (_vm: Vm, crc: number, byte: number) => crc32(crc, Uint8Array.of(byte)),
  updateBytes0: (vm: Vm, crc: number, array: Ref, offset: number, length: number) =>
    crc32(crc, vm.heap.bytes(array, offset, length)),
  updateByteBuffer0: (vm: Vm, crc: number, address: bigint, offset: number, length: number) =>
    crc32(crc, memory(vm, address + BigInt(offset), length)),
})
natives('java/util/zip/Adler32', {
  update: (_vm: Vm, adler: number, byte: number) => adler32(adler, Uint8Array.of(byte)) | 0,
  updateBytes: (vm: Vm, adler: number, array: Ref, offset: number, length: number) =>
    adler32(adler, vm.heap.bytes(array, offset, length)) | 0,
  updateByteBuffer: (vm: Vm, adler: number, address: bigint, offset: number, length: number) =>
    adler32(adler, memory(vm, address + BigInt(offset), length)) | 0,
})

/** Compressions and decompressions by the number the guest holds. */
function streams<S>(vm: Vm, name: string): Map<bigint, S> {
  const map = (vm.state.get(name) ?? new Map()) as Map<bigint, S>
  vm.state.set(name, map)
  return map
}
function add<S>(vm: Vm, name: string, stream: S): bigint {
  const map = streams<S>(vm, name)
  const id = ((vm.state.get(`${name}.next`) as bigint | undefined) ?? 0n) + 1n
  vm.state.set(`${name}.next`, id)
  map.set(id, stream)
  return id
}

/** Input taken, output given, and flags, as java.util.zip packs them. */
function packed(taken: number, given: number, finished: boolean, flag: boolean): bigint {
  const value = BigInt(taken) | (BigInt(given) << 31n) | (finished ? 1n << 62n : 0n) | (flag ? 1n << 63n : 0n)
  return BigInt.asIntN(64, value)
}

function inflate(
  vm: Vm,
  self: Ref,
  id: bigint,
  input: Uint8Array,
  room: number,
): { result: bigint; output: Uint8Array } {
  const stream = streams<Inflater>(vm, 'inflaters').get(id) as Inflater
  stream.input = input
  stream.inputAt = 0
  stream.output = new Uint8Array(room)
  stream.outputAt = 0
  try {
    if (!stream.needsDictionary) stream.run()
  } catch (error) {
    if (!(error instanceof InflateError)) throw error
    vm.heap.set(self, 'inputConsumed', stream.inputAt)
    vm.heap.set(self, 'outputConsumed', stream.outputAt)
    throw new JavaProblem('java/util/zip/DataFormatException', error.message)
  }
  const output = stream.output.subarray(0, stream.outputAt)
  if (!stream.needsDictionary) stream.adler = adler32(stream.adler, output)
  return { result: packed(stream.inputAt, stream.outputAt, stream.finished, stream.needsDictionary), output }
}
natives('java/util/zip/Inflater', {
  init: (vm: Vm, raw: number) => add(vm, 'inflaters', new Inflater(raw !== 0)),
  end: (vm: Vm, id: bigint) => void streams(vm, 'inflaters').delete(id),
  reset: (vm: Vm, id: bigint) => {
    const map = streams<Inflater>(vm, 'inflaters')
    map.set(id, new Inflater((map.get(id) as Inflater).raw))
  },
  getAdler: (vm: Vm, id: bigint) => (streams<Inflater>(vm, 'inflaters').get(id) as Inflater).adler | 0,
  setDictionary: (vm: Vm, id: bigint, array: Ref, offset: number, length: number) =>
    streams<Inflater>(vm, 'inflaters')
      .get(id)
      ?.dictionary(vm.heap.bytes(array, offset, length)),
  inflateBytesBytes: (
    vm: Vm,
    self: Ref,
    id: bigint,
    from: Ref,
    at: number,
    length: number,
    to: Ref,
    toAt: number,
    room: number,
  ) => {
    const { result, output } = inflate(vm, self, id, vm.heap.bytes(from, at, length), room)
    vm.heap.setBytes(to, toAt, output)
    return result
  },
  inflateBytesBuffer: (
    vm: Vm,
    self: Ref,
    id: bigint,
    from: Ref,
    at: number,
    length: number,
    to: bigint,
    room: number,
  ) => {
    const { result, output } = inflate(vm, self, id, vm.heap.bytes(from, at, length), room)
    new Uint8Array(vm.memory.buffer).set(output, Number(to))
    return result
  },
  inflateBufferBytes: (
    vm: Vm,
    self: Ref,
    id: bigint,
    from: bigint,
    length: number,
    to: Ref,
    toAt: number,
    room: number,
  ) => {
    const { result, output } = inflate(vm, self, id, memory(vm, from, length), room)
    vm.heap.setBytes(to, toAt, output)
    return result
  },
  inflateBufferBuffer: (vm: Vm, self: Ref, id: bigint, from: bigint, length: number, to: bigint, room: number) => {
    const { result, output } = inflate(vm, self, id, memory(vm, from, length), room)
    new Uint8Array(vm.memory.buffer).set(output, Number(to))
    return result
  },
})

/** zlib’s flush modes. */
const [SYNC_FLUSH, FULL_FLUSH, FINISH] = [2, 3, 4]
function deflate(
  vm: Vm,
  id: bigint,
  input: Uint8Array,
  room: number,
  flush: number,
): { result: bigint; output: Uint8Array } {
  const stream = streams<Deflater>(vm, 'deflaters').get(id) as Deflater
  stream.write(input)
  if (flush === FINISH) stream.flush(true)
  else if ((flush === SYNC_FLUSH || flush === FULL_FLUSH) && input.length > 0) stream.flush(false)
  const output = new Uint8Array(room)
  const given = stream.read(output)
  return { result: packed(input.length, given, stream.finished, false), output: output.subarray(0, given) }
}
natives('java/util/zip/Deflater', {
  init: (vm: Vm, level: number, _strategy: number, raw: number) => add(vm, 'deflaters', new Deflater(raw !== 0, level)),
  end: (vm: Vm, id: bigint) => void streams(vm, 'deflaters').delete(id),
  reset: (vm: Vm, id: bigint) => {
    const map = streams<Deflater>(vm, 'deflaters')
    const { raw, level } = map.get(id) as Deflater
    map.set(id, new Deflater(raw, level))
  },
  getAdler: (vm: Vm, id: bigint) => (streams<Deflater>(vm, 'deflaters').get(id) as Deflater).adler | 0,
  deflateBytesBytes: (
    vm: Vm,
    _self: Ref,
    id: bigint,
    from: Ref,
    at: number,
    length: number,
    to: Ref,
    toAt: number,
    room: number,
    flush: number,
  ) => {
    const { result, output } = deflate(vm, id, vm.heap.bytes(from, at, length), room, flush)
    vm.heap.setBytes(to, toAt, output)
    return result
  },
})
