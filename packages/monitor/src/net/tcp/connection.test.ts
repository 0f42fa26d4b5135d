import { seededEntropy } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualTime } from '../../../test/virtual-time.ts'
import { TcpConnection, type TcpEvents } from './connection.ts'
import { parseTcp, tcpHeaderBytes, writeTcp } from './segment.ts'

/** How bad the link between two connections is: of a hundred segments, so many are lost, late, or arrive twice. */
interface Weather {
  readonly lost: number
  readonly late: number
  readonly twice: number
}

const FINE: Weather = { lost: 0, late: 0, twice: 0 }
const LATENCY_MS = 2

/** One end: what it heard, and what it still has to say. */
class End {
  readonly heard: Uint8Array[] = []
  readonly events: string[] = []
  connection: TcpConnection | undefined
  /** Reads slowly when false: bytes count as consumed only by `drain`. */
  reads = true
  unread = 0
  canWrite = true

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.heard.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of this.heard) {
      all.set(part, at)
      at += part.length
    }
    return all
  }

  drain(): void {
    this.connection?.consumed(this.unread)
    this.unread = 0
  }

  readonly tcpEvents: TcpEvents = {
    established: () => this.events.push('established'),
    data: bytes => {
      this.heard.push(bytes.slice())
      if (this.reads) this.connection?.consumed(bytes.length)
      else this.unread += bytes.length
    },
    ended: () => this.events.push('ended'),
    writable: () => {
      this.canWrite = true
    },
    closed: failed => this.events.push(failed ?? 'closed'),
  }
}

function setUp(weather: Weather = FINE, seed = 1n, maxOffloadBytes = 14_600) {
  const time = new VirtualTime()
  const random = seededEntropy(seed)
  const chance = (percent: number): boolean => {
    const byte = new Uint8Array(2)
    random.fill(byte)
    return ((byte[0] ?? 0) * 256 + (byte[1] ?? 0)) % 100 < percent
  }
  const [client, server] = [new End(), new End()]
  const config = (end: End, other: () => End, port: number, remotePort: number, initialSequence: number) => ({
    localPort: port,
    remotePort,
    initialSequence,
    maxSegmentBytes: 1460,
    maxOffloadBytes,
    clock: time.clock,
    timers: time,
    events: end.tcpEvents,
    send: (segment: Parameters<typeof writeTcp>[1], dataBytes: number, _: number, fill: (into: Uint8Array) => void) => {
      const headerBytes = tcpHeaderBytes(segment)
      const wire = new Uint8Array(headerBytes + dataBytes)
      writeTcp(wire, segment)
      fill(wire.subarray(headerBytes))
      for (let copies = chance(weather.twice) ? 2 : 1; copies > 0; copies--) {
        if (chance(weather.lost)) continue
        time.after(LATENCY_MS * (chance(weather.late) ? 20 : 1), () => arrive(other(), wire))
      }
    },
  })
  const serverConfig = config(server, () => client, 80, 5000, 0xffff_fff0)
  const arrive = (end: End, wire: Uint8Array): void => {
    const segment = parseTcp(wire)
    if (!segment) throw new Error('a segment of ours does not parse')
    if (end === server && !end.connection) end.connection = TcpConnection.accept(serverConfig, segment)
    else end.connection?.receive(segment)
  }
  client.connection = TcpConnection.connect(config(client, () => server, 5000, 80, 0x7fff_fffe))
  const settle = (until: () => boolean): void => {
    for (let steps = 0; !until() && steps < 200_000; steps++) if (!time.step()) break
  }
  return { time, client, server, settle, arrive }
}

const pattern = (length: number, salt: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + salt) & 0xff)

/** Writes all, waiting where it is told to; then ends. */
function say(end: End, bytes: Uint8Array, chunkBytes: number): () => void {
  let at = 0
  return () => {
    while (at < bytes.length && end.canWrite) {
      end.canWrite = end.connection?.write(bytes.slice(at, at + chunkBytes)) ?? false
      at += chunkBytes
    }
    if (at >= bytes.length) end.connection?.end()
  }
}

const isOver = (end: End): boolean => end.connection?.isClosed === true

test('two ends agree, talk, and close', () => {
  const { client, server, settle, time } = setUp()
  settle(() => client.events.includes('established') && server.events.includes('established'))
  client.connection?.write(pattern(5000, 1))
  server.connection?.write(pattern(100, 2))
  client.connection?.end()
  settle(() => server.events.includes('ended'))
  // The other direction stays open.
  server.connection?.write(pattern(50, 3))
  server.connection?.end()
  settle(() => isOver(client) && isOver(server))
  expect(server.bytes).toEqual(pattern(5000, 1))
  expect(client.bytes).toEqual(Uint8Array.of(...pattern(100, 2), ...pattern(50, 3)))
  expect([client.events, server.events]).toEqual([
    ['established', 'ended', 'closed'],
    ['established', 'ended', 'closed'],
  ])
  expect(time.pending).toBe(0)
})

test('what is written before the other side answers follows at once', () => {
  const { client, server, time } = setUp()
  client.connection?.write(pattern(300, 1))
  time.advance(3 * LATENCY_MS)
  expect(server.bytes).toEqual(pattern(300, 1))
})

test('a peer that remembers an older connection is told so, and then takes ours', () => {
  const { client, server, time, arrive } = setUp()
  const challenge = { sourcePort: 80, destinationPort: 5000, sequence: 7, acknowledgment: 99, flags: 16, window: 100 }
  const wire = new Uint8Array(20)
  writeTcp(wire, challenge)
  arrive(client, wire)
  time.advance(100)
  // The reset, whose number is the one the peer waits for, then the connection.
  expect(client.events).toEqual(['established'])
  expect(server.connection?.isClosed).toBe(false)
})

test('megabytes cross both ways, sequence numbers wrapping', () => {
  const { client, server, settle } = setUp()
  const [there, back] = [pattern(3_000_000, 5), pattern(2_000_000, 9)]
  const [push, pull] = [say(client, there, 65_536), say(server, back, 10_000)]
  settle(() => {
    push()
    if (server.connection) pull()
    return isOver(client) && isOver(server)
  })
  expect(server.bytes).toEqual(there)
  expect(client.bytes).toEqual(back)
})

test('through any weather every byte arrives once and in order', () => {
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.bigInt({ min: 1n, max: 1n << 60n }),
        lost: fc.nat(20),
        late: fc.nat(20),
        twice: fc.nat(20),
        there: fc.nat(60_000),
        back: fc.nat(60_000),
        chunk: fc.integer({ min: 1, max: 20_000 }),
      }),
      ({ seed, there, back, chunk, ...weather }) => {
        const { client, server, settle } = setUp(weather, seed)
        const [push, pull] = [say(client, pattern(there, 1), chunk), say(server, pattern(back, 2), chunk)]
        settle(() => {
          push()
          if (server.connection) pull()
          return isOver(client) && isOver(server)
        })
        const [heardThere, heardBack] = [server.bytes, client.bytes]
        expect(heardThere).toEqual(pattern(there, 1).subarray(0, heardThere.length))
        expect(heardBack).toEqual(pattern(back, 2).subarray(0, heardBack.length))
        // Ten losses in a row end a connection; what did arrive is right even then.
        if (weather.lost < 10) expect([heardThere.length, heardBack.length]).toEqual([there, back])
      },
    ),
    { numRuns: 60 },
  )
})

test('a peer that does not read holds the writer back, and a probe finds out when it reads again', () => {
  const { client, server, settle, time } = setUp()
  settle(() => server.events.includes('established'))
  server.reads = false
  const bytes = pattern(4_000_000, 3)
  const push = say(client, bytes, 65_536)
  for (let second = 0; second < 20; second++) {
    push()
    time.advance(1000)
  }
  expect(server.unread).toBeLessThanOrEqual(1 << 20)
  expect(client.canWrite).toBe(false)
  server.reads = true
  server.drain()
  settle(() => {
    push()
    return server.events.includes('ended')
  })
  expect(server.bytes).toEqual(bytes)
})

test('a peer that never answers is given up', () => {
  const { client, settle } = setUp({ ...FINE, lost: 100 })
  settle(() => isOver(client))
  expect(client.events).toEqual(['timeout'])
})

test('a reset ends both ends, and is believed only when it is in place', () => {
  const { client, server, settle, time } = setUp()
  settle(() => server.events.includes('established'))
  const stray = {
    sourcePort: 5000,
    destinationPort: 80,
    acknowledgment: 0,
    flags: 4,
    window: 0,
    data: new Uint8Array(0),
  }
  server.connection?.receive({ ...stray, sequence: 12345 })
  expect(server.events).toEqual(['established'])
  client.connection?.reset()
  settle(() => isOver(server))
  expect(server.events).toEqual(['established', 'reset'])
  expect(client.events).toEqual(['established'])
  expect(time.pending).toBe(0)
})

test('no segment, however odd, breaks a connection’s account of itself', () => {
  const odd = fc.record({
    sequence: fc.integer({ min: 0, max: 0xffff_ffff }),
    acknowledgment: fc.integer({ min: 0, max: 0xffff_ffff }),
    near: fc.boolean(),
    flags: fc.nat(63),
    window: fc.nat(65_535),
    data: fc.uint8Array({ maxLength: 40 }),
  })
  fc.assert(
    fc.property(fc.array(odd, { maxLength: 60 }), segments => {
      const { client, server, settle } = setUp()
      settle(() => server.events.includes('established'))
      server.connection?.write(pattern(3000, 1))
      for (const { near, ...segment } of segments) {
        const small = {
          sequence: (0x7fff_ffff + (segment.sequence % 50)) >>> 0,
          acknowledgment: segment.acknowledgment % 4000,
        }
        const wire = { sourcePort: 5000, destinationPort: 80, ...segment, ...(near && small) }
        server.connection?.receive(wire)
      }
      settle(() => isOver(server) && isOver(client))
      const { events } = server
      expect(events.filter(event => ['closed', 'reset', 'timeout'].includes(event)).length).toBeLessThanOrEqual(1)
    }),
    { numRuns: 200 },
  )
})
