import { PAGE_BYTES, type Saved } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isEqual } from '../snapshot/format.ts'
import { Message, type MigrationHost, type MigrationLine, Peer } from './line.ts'
import { packPages, type ReceivedPages } from './page-messages.ts'
import { type ArrivedMachine, receiveMachine } from './receive.ts'
import { type MovingMachine, sendMachine } from './send.ts'

const PAGES = 150

/** CRC-32 (ISO 3309). */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb8_8320 : 0)
  return sum
})
function crc32(bytes: Uint8Array, seed: number): number {
  let sum = ~seed
  for (const byte of bytes) sum = (sum >>> 8) ^ (TABLE[(sum ^ byte) & 0xff] ?? 0)
  return ~sum >>> 0
}
const host: MigrationHost = {
  checksum: crc32,
  nowMs: () => performance.now(),
  after: ms => {
    const { promise, resolve } = Promise.withResolvers<void>()
    // A limit of 30 s takes 300 ms here.
    const timer = setTimeout(() => resolve(), ms / 100)
    return { done: promise, cancel: () => clearTimeout(timer) }
  },
}

/** Two ends of a line that is cut after so many bytes of both directions together, or whose bytes pass through `spoil`. */
function linePair(cutAfterBytes = Infinity, spoil: (bytes: Uint8Array) => Uint8Array = bytes => bytes) {
  let leftBytes = cutAfterBytes
  const ends = [0, 1].map(() => ({ queue: [] as Uint8Array[], wake: () => undefined as void, isCut: false }))
  const cut = (): void => {
    for (const end of ends) {
      end.isCut = true
      end.wake()
    }
  }
  const lineOf = (mine: number): MigrationLine => ({
    write: async bytes => {
      const to = ends[1 - mine] as (typeof ends)[number]
      if (to.isCut) throw new Error('cut')
      const passes = Math.min(bytes.length, leftBytes)
      leftBytes -= passes
      if (passes > 0) to.queue.push(spoil(bytes.slice(0, passes)))
      to.wake()
      if (leftBytes === 0) cut()
      await Promise.resolve()
    },
    read: async () => {
      const own = ends[mine] as (typeof ends)[number]
      while (own.queue.length === 0 && !own.isCut) await new Promise<void>(resolve => (own.wake = resolve))
      return own.queue.shift()
    },
  })
  return { source: lineOf(0), target: lineOf(1), cut }
}

/** A machine of one space whose "guest" writes pages whenever it is not held; who runs it is counted. */
class TestMachine implements MovingMachine {
  readonly description: Saved = { cpus: 1 }
  readonly memory = new Uint8Array(PAGES * PAGE_BYTES)
  readonly dirty = new Set<number>()
  /** Who may run it, as a file that only one can make decides. */
  owner: 'source' | 'target' | undefined
  isRunningAtSource = true
  runningAtTarget: ReceivedPages | undefined
  writesPerRound = 20
  #count = 0

  constructor() {
    for (let page = 0; page < PAGES; page += 3) this.#write(page, page + 1)
  }
  #write(page: number, value: number): void {
    this.memory.fill(value, page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
    this.dirty.add(page)
  }
  readonly spaces = [
    {
      name: 'memory',
      pageCount: PAGES,
      pages: () => {
        this.dirty.clear()
        return Array.from({ length: PAGES }, (_, i) => i)
      },
      takeDirty: () => {
        const taken = [...this.dirty]
        this.dirty.clear()
        return taken
      },
      read: (page: number, into: Uint8Array) => {
        into.set(this.memory.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES))
      },
    },
  ]
  async whileStill<T>(act: () => Promise<T>): Promise<T> {
    for (let i = 0; i < this.writesPerRound; i++) this.#write((this.#count++ * 7) % PAGES, this.#count % 5)
    this.isRunningAtSource = false
    try {
      return await act()
    } finally {
      this.isRunningAtSource = !this.isEnded
    }
  }
  isEnded = false
  save = (): Promise<Saved> => Promise.resolve({ count: this.#count })
  withdraw = (): Promise<void> => Promise.resolve()
  readmit = (): Promise<void> => Promise.resolve()
  isTaken = (): Promise<boolean> => {
    this.owner ??= 'source'
    return Promise.resolve(this.owner === 'target')
  }
  end = (): Promise<void> => {
    this.isEnded = true
    return Promise.resolve()
  }
  /** The other end. */
  readonly target = {
    welcome: () => undefined,
    build: (_: Saved, spaces: ReadonlyMap<string, ReceivedPages>): Promise<ArrivedMachine> =>
      Promise.resolve({
        claim: () => {
          this.owner ??= 'target'
          if (this.owner === 'target') this.runningAtTarget = spaces.get('memory')
          return Promise.resolve(this.owner === 'target')
        },
        run: () => Promise.resolve(),
        discard: () => Promise.resolve(),
      }),
  }
}

function received(pages: ReceivedPages | undefined): Uint8Array {
  const bytes = new Uint8Array(PAGES * PAGE_BYTES)
  for (let page = 0; page < PAGES; page++) {
    pages?.read(page, bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES))
  }
  return bytes
}

test.each([0, 20, PAGES])('a machine that writes %i pages a round arrives as it stood', async writes => {
  const machine = new TestMachine()
  machine.writesPerRound = writes
  const { source, target } = linePair()
  const [report] = await Promise.all([sendMachine(machine, source, host), receiveMachine(machine.target, target, host)])
  expect(isEqual(received(machine.runningAtTarget), machine.memory)).toBe(true)
  expect(machine.isRunningAtSource).toBe(false)
  expect(report.rounds).toBeLessThanOrEqual(4)
  expect(report.lastPages).toBeGreaterThanOrEqual(writes)
})

/** How many bytes pass in both directions when all goes well. */
async function wholeMoveBytes(): Promise<number> {
  const whole = new TestMachine()
  let total = 0
  const { source, target } = linePair(Infinity, bytes => {
    total += bytes.length
    return bytes
  })
  await Promise.all([sendMachine(whole, source, host), receiveMachine(whole.target, target, host)])
  return total
}

test('wherever the line is cut, one machine runs', async () => {
  const total = await wholeMoveBytes()
  // Around the last messages, each byte counts.
  const places = fc.oneof(fc.integer({ min: 1, max: total - 1 }), fc.integer({ min: total - 40, max: total - 1 }))
  await fc.assert(
    fc.asyncProperty(places, async cutAfterBytes => {
      const machine = new TestMachine()
      const line = linePair(cutAfterBytes)
      await Promise.allSettled([
        sendMachine(machine, line.source, host),
        receiveMachine(machine.target, line.target, host),
      ])
      expect([machine.isRunningAtSource, machine.runningAtTarget !== undefined].filter(Boolean)).toHaveLength(1)
      const { runningAtTarget } = machine
      if (runningAtTarget) expect(isEqual(received(runningAtTarget), machine.memory)).toBe(true)
    }),
    { numRuns: 60, examples: [[total - 1], [total - 12], [total - 13], [total - 24], [total - 25]] },
  )
})

test('bytes that were changed on their way are refused, and the machine goes on where it was', async () => {
  // The last word is the target's, and the machine runs there by then.
  const before = (await wholeMoveBytes()) - 13
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: before }), async at => {
      const machine = new TestMachine()
      let seen = 0
      const line = linePair(Infinity, bytes => {
        const place = at - seen
        seen += bytes.length
        if (place >= 0 && place < bytes.length) bytes[place] = (bytes[place] ?? 0) ^ 0x10
        return bytes
      })
      const sending = sendMachine(machine, line.source, host).finally(line.cut)
      const results = await Promise.allSettled([
        sending,
        receiveMachine(machine.target, line.target, host).finally(line.cut),
      ])
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      expect([machine.isRunningAtSource, machine.runningAtTarget]).toEqual([true, undefined])
    }),
    { numRuns: 20 },
  )
})

test('a hostile source is refused with a code, whatever it sends', async () => {
  const page = new Uint8Array(PAGE_BYTES).fill(1)
  const junk = fc.uint8Array({ maxLength: 300 })
  const pagesOf = fc
    .tuple(fc.nat(3), fc.array(fc.nat(2 * PAGES), { maxLength: 5 }))
    .map(([space, pages]) => packPages(space, pages, copies(pages.length, page)))
  const message = fc.tuple(
    fc.constantFrom(...Object.values(Message)),
    fc.oneof(
      junk.map(bytes => [bytes]),
      pagesOf,
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(message, { maxLength: 8 }), junk, async (greets, messages, end) => {
      const machine = new TestMachine()
      const line = linePair()
      const arriving = receiveMachine(machine.target, line.target, host)
      const peer = new Peer(line.source, host, 1000)
      if (greets) {
        const sending = sendMachine(machine, line.source, host)
        sending.catch(() => undefined)
      }
      for (const [type, parts] of messages) await peer.say(type, ...parts).catch(() => undefined)
      await line.source.write(end).catch(() => undefined)
      line.cut()
      const outcome = await arriving.catch((error: unknown) => error)
      if (machine.runningAtTarget === undefined) expect(outcome).toHaveProperty('code')
    }),
    { numRuns: 100 },
  )
})

function copies(count: number, page: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(count * PAGE_BYTES)
  for (let i = 0; i < count; i++) bytes.set(page, i * PAGE_BYTES)
  return bytes
}
