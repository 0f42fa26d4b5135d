import { FlatMemory, MIB, utf8Bytes, utf8Text } from '@doppel/base'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { StateHart } from '../../test/state-hart.ts'
import type { SbiResetRequest } from './abi.ts'
import { SbiFirmware, sbiFunctions } from './firmware.ts'

const RAM = 0x8000_0000
const ENTRY = BigInt(RAM + 2 * MIB)
const OUTSIDE = 0x1000n
const ALL = -1n
const [BASE, TIME, IPI, RFENCE] = [0x10n, 0x5449_4d45n, 0x73_5049n, 0x5246_4e43n]
const [HSM, SRST, DBCN, SUSP, PMU] = [0x48_534dn, 0x5352_5354n, 0x4442_434en, 0x5355_5350n, 0x50_4d55n]
const SSIE = 1n << 1n

let memory: FlatMemory
let harts: StateHart[]
let firmware: SbiFirmware
let printed: string
let typed: Uint8Array
let resets: SbiResetRequest[]

beforeEach(() => {
  memory = new FlatMemory(RAM, 4 * MIB)
  harts = [0, 1, 2].map(id => new StateHart(id))
  printed = ''
  typed = new Uint8Array(0)
  resets = []
  firmware = new SbiFirmware({
    harts,
    memory,
    console: {
      write: bytes => {
        printed += utf8Text(bytes)
      },
      read: limit => {
        const taken = typed.subarray(0, limit)
        typed = typed.subarray(limit)
        return taken
      },
    },
    reset: request => resets.push(request),
    extensions: ['sstc', 'svadu'],
  })
  firmware.boot(0, ENTRY, 0x8100_0000n)
})

/** What hart `id` gets for an ecall: [error, value], both as signed numbers. */
function call(id: number, extension: bigint, functionId: bigint, ...args: bigint[]): [number, bigint] {
  const hart = harts[id] as StateHart
  for (let i = 0; i < 6; i++) hart.setX(10 + i, args[i] ?? 0n)
  hart.setX(16, functionId)
  hart.setX(17, extension)
  firmware.environmentCall(hart)
  return [Number(BigInt.asIntN(64, hart.x(10))), BigInt.asIntN(64, hart.x(11))]
}

const hart = (id: number): StateHart => harts[id] as StateHart

test('the boot hart begins in S-mode with its id and the device tree; the others wait', () => {
  expect([hart(0).pc, hart(0).privilege, hart(0).x(10), hart(0).x(11)]).toEqual([ENTRY, 1, 0n, 0x8100_0000n])
  expect(harts.map(h => h.running)).toEqual([true, false, false])
})

test('traps are delegated, counters open, PMP lets everything through, Svadu alone turns hardware A/D on', () => {
  expect(hart(2).csrs.get('mideleg')).toBe(0x222n)
  expect(hart(2).readCsr('medeleg') & (1n << 9n)).toBe(0n)
  expect(hart(2).csrs.get('pmpcfg0')).toBe(0x1fn)
  expect(hart(2).readCsr('menvcfg') >> 61n).toBe(7n)
})

test('every row has its own extension and function id', () => {
  const keys = sbiFunctions.map(row => `${row.extension.id}/${row.functionId}`)
  expect(new Set(keys).size).toBe(keys.length)
})

describe('BASE', () => {
  test('the version is 2.0', () => expect(call(0, BASE, 0n)).toEqual([0, 2n << 24n]))
  test.each([
    ['TIME', TIME, 1n],
    ['SUSP', SUSP, 1n],
    ['legacy putchar', 1n, 0n],
    ['hypervisor acceleration', 0x4e41_434cn, 0n],
  ])('probe %s', (_, id, present) => expect(call(0, BASE, 3n, id)).toEqual([0, present]))
  test('what there is not says so', () => {
    expect(call(0, 0x1234n, 0n)).toEqual([-2, 0n])
    expect(call(0, BASE, 99n)).toEqual([-2, 0n])
  })
})

test('TIME: set_timer sets the compare value', () => {
  expect(call(0, TIME, 0n, 1234n)).toEqual([0, 0n])
  expect(hart(0).timerDeadline()).toBe(1234n)
})

describe('hart masks', () => {
  beforeEach(() => {
    call(0, HSM, 0n, 1n, ENTRY)
    call(0, HSM, 0n, 2n, ENTRY)
  })
  test.each([
    ['bits from a base', 0b11n, 1n, 0, [0n, 2n, 2n]],
    ['all harts', 0n, ALL, 0, [2n, 2n, 2n]],
    ['no hart', 0n, 0n, 0, [0n, 0n, 0n]],
    ['a bit past the last hart', 0b111n, 1n, -3, [0n, 0n, 0n]],
    ['a base past the last hart', 0n, 3n, -3, [0n, 0n, 0n]],
  ])('%s', (_, mask, base, error, pending) => {
    expect(call(0, IPI, 0n, mask, base)[0]).toBe(error)
    expect(harts.map(h => h.pending)).toEqual(pending)
  })
})

describe('RFENCE', () => {
  test.each([
    ['fence.i', 0n, [0n, 0n], 'fence.i'],
    ['a range', 1n, [0x1000n, 0x2000n], '1000+2000'],
    ['everything by size', 1n, [0x1000n, ALL], 'all'],
    ['everything by zeros', 1n, [0n, 0n], 'all'],
    ['one address space', 2n, [0x1000n, 0x1000n, 7n], '1000+1000 asid 7'],
  ])('%s', (_, functionId, rest, fence) => {
    expect(call(0, RFENCE, functionId, 0b10n, 0n, ...rest)).toEqual([0, 0n])
    expect(harts.map(h => h.fences)).toEqual([[], [fence], []])
  })
  test('a range that wraps is an invalid address', () => {
    expect(call(0, RFENCE, 1n, 1n, 0n, ALL, 2n)).toEqual([-5, 0n])
  })
  test('hypervisor fences are not supported', () => expect(call(0, RFENCE, 4n, 1n, 0n)).toEqual([-2, 0n]))
})

describe('HSM', () => {
  test('a stopped hart starts where it is told, once', () => {
    expect(call(0, HSM, 2n, 1n)).toEqual([0, 1n])
    expect(call(0, HSM, 0n, 1n, ENTRY, 42n)).toEqual([0, 0n])
    expect([hart(1).running, hart(1).pc, hart(1).x(10), hart(1).x(11)]).toEqual([true, ENTRY, 1n, 42n])
    expect(call(0, HSM, 2n, 1n)).toEqual([0, 0n])
    expect(call(0, HSM, 0n, 1n, ENTRY)).toEqual([-6, 0n])
  })
  test.each([
    ['no such hart', 0n, [3n, ENTRY], -3],
    ['an address outside memory', 0n, [1n, OUTSIDE], -5],
    ['an odd address', 0n, [1n, ENTRY + 1n], -5],
    ['the status of no hart', 2n, [9n], -3],
    ['a reserved suspend type', 3n, [1n, ENTRY], -3],
    ['a non-retentive suspend to nowhere', 3n, [0x8000_0000n, OUTSIDE], -5],
  ])('%s', (_, functionId, args, error) => expect(call(0, HSM, functionId, ...args)[0]).toBe(error))

  test('a hart that stops itself can be started again', () => {
    call(0, HSM, 0n, 1n, ENTRY)
    call(1, HSM, 1n)
    expect(hart(1).running).toBe(false)
    expect(call(0, HSM, 2n, 1n)).toEqual([0, 1n])
    expect(call(0, HSM, 0n, 1n, ENTRY)).toEqual([0, 0n])
  })

  test('a retentive suspend waits and goes on after the call', () => {
    hart(0).csrs.set('mie', SSIE)
    expect(call(0, HSM, 3n, 0n)).toEqual([0, 0n])
    expect(hart(0).run(10)).toBe('wfi')
    expect(firmware.isSuspended(0)).toBe(true)
    hart(0).setInterrupt(1, true)
    firmware.wakeSuspended()
    expect(firmware.isSuspended(0)).toBe(false)
    expect(hart(0).run(10)).toBe('budget')
  })

  test('a non-retentive suspend begins anew at its resume address when an interrupt comes', () => {
    hart(0).csrs.set('mie', SSIE)
    call(0, HSM, 3n, 0x8000_0000n, ENTRY + 8n, 77n)
    expect(hart(0).running).toBe(false)
    firmware.wakeSuspended()
    expect(hart(0).running).toBe(false)
    expect(call(1, HSM, 2n, 0n)).toEqual([0, 4n])
    call(1, IPI, 0n, 1n, 0n)
    firmware.wakeSuspended()
    expect([hart(0).running, hart(0).pc, hart(0).x(10), hart(0).x(11)]).toEqual([true, ENTRY + 8n, 0n, 77n])
  })
})

describe('SRST', () => {
  test.each([
    [0n, 0n, { kind: 'poweroff', failure: false }],
    [1n, 0n, { kind: 'reset', failure: false }],
    [2n, 1n, { kind: 'reset', failure: true }],
    [0n, 1n, { kind: 'poweroff', failure: true }],
  ])('type %d, reason %d', (type, reason, request) => {
    call(0, SRST, 0n, type, reason)
    expect(resets).toEqual([request])
    expect(hart(0).running).toBe(false)
  })
  test.each([
    [3n, 0n],
    [0xf000_0000n, 0n],
    [0n, 2n],
  ])('type %d, reason %d is invalid', (type, reason) => {
    expect(call(0, SRST, 0n, type, reason)).toEqual([-3, 0n])
    expect(resets).toEqual([])
  })
})

describe('SUSP', () => {
  test('the last running hart sleeps until an interrupt', () => {
    hart(0).csrs.set('mie', SSIE)
    call(0, SUSP, 0n, 0n, ENTRY, 5n)
    expect(firmware.isSuspended(0)).toBe(true)
    hart(0).setInterrupt(1, true)
    firmware.wakeSuspended()
    expect([hart(0).running, hart(0).x(11)]).toEqual([true, 5n])
  })
  test('it is denied while another hart runs', () => {
    call(0, HSM, 0n, 1n, ENTRY)
    expect(call(0, SUSP, 0n, 0n, ENTRY)).toEqual([-4, 0n])
  })
  test('other sleep types and bad addresses are refused', () => {
    expect(call(0, SUSP, 0n, 1n, ENTRY)).toEqual([-3, 0n])
    expect(call(0, SUSP, 0n, 0n, OUTSIDE)).toEqual([-5, 0n])
  })
})

describe('DBCN', () => {
  test('a write prints guest memory', () => {
    memory.write(RAM, utf8Bytes('hello'))
    expect(call(0, DBCN, 0n, 5n, BigInt(RAM), 0n)).toEqual([0, 5n])
    expect(call(0, DBCN, 2n, 0x121n)).toEqual([0, 0n])
    expect(printed).toBe('hello!')
  })
  test('a read takes what has been typed and no more', () => {
    typed = utf8Bytes('abc')
    expect(call(0, DBCN, 1n, 2n, BigInt(RAM), 0n)).toEqual([0, 2n])
    expect(utf8Text(memory.bytes.subarray(0, 3))).toBe('ab\0')
    expect(call(0, DBCN, 1n, 2n, BigInt(RAM), 0n)).toEqual([0, 1n])
    expect(call(0, DBCN, 1n, 2n, BigInt(RAM), 0n)).toEqual([0, 0n])
  })
  test('a huge write is partial', () => {
    expect(call(0, DBCN, 0n, BigInt(4 * MIB), BigInt(RAM), 0n)).toEqual([0, 65_536n])
  })
  test.each([
    ['past the end of memory', 2n, BigInt(RAM + 4 * MIB - 1), 0n],
    ['outside memory', 1n, OUTSIDE, 0n],
    ['above 64 bits', 1n, BigInt(RAM), 1n],
    ['endless', ALL, BigInt(RAM), 0n],
  ])('a buffer %s is invalid', (_, length, low, high) => {
    expect(call(0, DBCN, 0n, length, low, high)).toEqual([-3, 0n])
    expect(call(0, DBCN, 1n, length, low, high)).toEqual([-3, 0n])
  })
})

describe('PMU', () => {
  test('two 64-bit hardware counters: cycle and instret', () => {
    expect(call(0, PMU, 0n)).toEqual([0, 2n])
    expect(call(0, PMU, 1n, 0n)).toEqual([0, 0x3_fc00n])
    expect(call(0, PMU, 1n, 1n)).toEqual([0, 0x3_fc02n])
    expect(call(0, PMU, 1n, 2n)).toEqual([-3, 0n])
  })
  test('a counter is configured by event, started, stopped and reset', () => {
    expect(call(0, PMU, 2n, 0n, 0b11n, 2n, 2n)).toEqual([0, 1n])
    expect(hart(0).readCsr('mcountinhibit')).toBe(0b100n)
    expect(call(0, PMU, 3n, 1n, 1n, 1n, 500n)).toEqual([0, 0n])
    expect([hart(0).readCsr('mcountinhibit'), hart(0).readCsr('minstret')]).toEqual([0n, 500n])
    expect(call(0, PMU, 3n, 1n, 1n)).toEqual([-7, 0n])
    expect(call(0, PMU, 2n, 0n, 0b11n, 0n, 2n)).toEqual([-2, 0n])
    expect(call(0, PMU, 4n, 1n, 1n, 1n)).toEqual([0, 0n])
    expect(call(0, PMU, 4n, 1n, 1n)).toEqual([-8, 0n])
    expect(call(0, PMU, 2n, 0n, 0b11n, 4n, 2n)).toEqual([0, 1n])
  })
  test('what it lacks is said honestly', () => {
    expect(call(0, PMU, 2n, 0n, 0b11n, 0n, 0x1_0000n)).toEqual([-2, 0n])
    expect(call(0, PMU, 2n, 0n, 0b111n, 0n, 1n)).toEqual([-3, 0n])
    expect(call(0, PMU, 5n, 0n)).toEqual([-3, 0n])
    expect(call(0, PMU, 7n)).toEqual([-2, 0n])
  })
})

test('no call with any arguments throws', () => {
  const word = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    fc.bigInt({ min: 0n, max: 8n }),
    fc.constant(ENTRY),
  )
  const row = fc.constantFrom(...sbiFunctions)
  fc.assert(
    fc.property(
      fc.nat(2),
      row,
      fc.array(word, { minLength: 6, maxLength: 6 }),
      (id, { extension, functionId }, args) => {
        const [error] = call(id, BigInt(extension.id), BigInt(functionId), ...args)
        firmware.wakeSuspended()
        expect(error).toBeLessThanOrEqual(0)
        expect(error).toBeGreaterThanOrEqual(-8)
      },
    ),
    { numRuns: 2000 },
  )
})
