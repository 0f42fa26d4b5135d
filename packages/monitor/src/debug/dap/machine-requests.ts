import { type DataBreakpoint, DoppelError, type SourceMachine } from '@doppel/base'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Arguments } from './arguments.ts'
import { encodeBase64, decodeBase64 } from './base64.ts'
import type { Handler } from './requests.ts'
import type { DapSession } from './session.ts'
import { sourceOf } from './sources.ts'

const MAX_READ_BYTES = 1 << 20
const MAX_INSTRUCTIONS = 10_000
const MAX_WATCHED = 1000
const KINDS: Readonly<Record<string, DataBreakpoint['kind']>> = { read: 'read', write: 'write', readWrite: 'access' }

/** Requests about what lies below the source. */
export const MACHINE_ROWS: Readonly<Record<string, Handler>> = {
  readMemory: (on, given) => {
    const address = addressOf(given, 'memoryReference') + BigInt(given.integer('offset', 0))
    const wanted = Math.min(given.count('count'), MAX_READ_BYTES)
    const bytes = machineOf(on).readMemory(BigInt.asUintN(64, address), wanted)
    return { address: hex(address), unreadableBytes: wanted - bytes.length, data: encodeBase64(bytes) }
  },
  writeMemory: (on, given) => {
    const address = addressOf(given, 'memoryReference') + BigInt(given.integer('offset', 0))
    const bytes = decodeBase64(given.text('data'))
    if (!machineOf(on).writeMemory(BigInt.asUintN(64, address), bytes)) {
      throw new DoppelError('debug.value', `not all of ${bytes.length} bytes at ${hex(address)} can be written`)
    }
    return { bytesWritten: bytes.length }
  },
  disassemble: (on, given) => {
    const address = addressOf(given, 'memoryReference') + BigInt(given.integer('offset', 0))
    const count = Math.min(given.count('instructionCount'), MAX_INSTRUCTIONS)
    const shown = machineOf(on).disassemble(address, given.integer('instructionOffset', 0), count)
    const instructions = shown.map(
      ({ address: at, bytes, text, symbol, place }): DebugProtocol.DisassembledInstruction => ({
        address: hex(at),
        instruction: text,
        ...(bytes === '' ? { presentationHint: 'invalid' } : { instructionBytes: bytes }),
        ...(symbol !== undefined && { symbol }),
        ...(place && { location: sourceOf(on, place.file), line: place.line + on.lineShift }),
      }),
    )
    return { instructions }
  },
  setInstructionBreakpoints: (on, given) => {
    const addresses = given
      .list('breakpoints')
      .map(one => BigInt.asUintN(64, addressOf(one, 'instructionReference') + BigInt(one.integer('offset', 0))))
    belowSource(on).setInstructionBreakpoints(addresses)
    return { breakpoints: addresses.map(at => ({ verified: true, instructionReference: hex(at) })) }
  },
  dataBreakpointInfo: (on, given) => {
    const name = given.text('name')
    const handle = given.count('variablesReference', 0)
    const memory =
      handle > 0
        ? on.handles.parts(handle)?.find(part => part.name === name)?.value.memory
        : on.evaluate(given, name).memory
    if (!memory || memory.lengthBytes === 0) return { dataId: null, description: `${name} is not in memory` }
    const { address, lengthBytes } = memory
    return {
      dataId: `${hex(address)} ${lengthBytes} ${name}`,
      description: `${name}, ${lengthBytes} bytes at ${hex(address)}`,
      accessTypes: Object.keys(KINDS),
    }
  },
  setDataBreakpoints: (on, given) => {
    const wanted = given.list('breakpoints')
    if (wanted.length > MAX_WATCHED) throw new DoppelError('dap.limit', `more than ${MAX_WATCHED} data breakpoints`)
    const told = belowSource(on).setDataBreakpoints(wanted.map(readDataBreakpoint))
    return {
      breakpoints: told.map(why => (why === undefined ? { verified: true } : { verified: false, message: why })),
    }
  },
}

function readDataBreakpoint(given: Arguments): DataBreakpoint {
  const id = given.text('dataId')
  const [, address = '0', length = '0', name = ''] = /^(0x[0-9a-f]{1,16}) (\d{1,9}) (.*)$/s.exec(id) ?? []
  if (length === '0') throw new DoppelError('dap.argument', `dataId is '${id}', which was never given`)
  const kind = KINDS[given.optionalText('accessType') ?? 'write'] ?? 'write'
  return { address: BigInt(address), lengthBytes: Number(length), kind, name }
}

/** What is below the source of a program that stands still. */
function machineOf(on: DapSession): SourceMachine {
  return on.target.machine ?? missing()
}
/** The same, which may run. */
function belowSource(on: DapSession): SourceMachine {
  return on.program.target.machine ?? missing()
}
function missing(): never {
  throw new DoppelError('dap.request', 'a program of this language has no machine below its source')
}
function addressOf(given: Arguments, name: string): bigint {
  const text = given.text(name)
  if (/^(0x[0-9a-fA-F]{1,16}|\d{1,20})$/.test(text)) return BigInt(text)
  throw new DoppelError('dap.argument', `${name} is '${text}'; expected an address`, { name })
}
function hex(address: bigint): string {
  return `0x${BigInt.asUintN(64, address).toString(16)}`
}
