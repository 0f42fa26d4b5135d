import { get16, get32, put16, seededEntropy } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GuestStation } from '../../test/guest-station.ts'
import { MemoryNetwork } from '../../test/memory-network.ts'
import { VirtualTime } from '../../test/virtual-time.ts'
import { Gateway } from './gateway.ts'
import type { NameService } from './host-network.ts'
import { ipBytes } from './ip-address.ts'
import { isChecksumRight } from './ip-packet.ts'
import type { NetworkPolicy, PolicyEvent } from './policy.ts'
import { parseTcp, TCP_FLAG, tcpHeaderBytes, writeTcp } from './tcp/segment.ts'

const GUEST = '10.0.2.15'
const [SYN, ACK, RST, FIN] = [TCP_FLAG.syn, TCP_FLAG.ack, TCP_FLAG.rst, TCP_FLAG.fin]

/** Names that end in .test are at 93.184.216.34; the message is the name's bytes. */
const names: NameService = {
  answer: async (query, _maxBytes, isAllowed) => {
    const name = String.fromCharCode(...query)
    const found = isAllowed(name) ? ['93.184.216.34'] : []
    return await Promise.resolve({ message: Uint8Array.of(found.length, ...query), name, addresses: found })
  },
}

function setUp(policy: NetworkPolicy = {}, options: { readonly takesOffload?: boolean } = {}) {
  const [guest, host, time] = [new GuestStation(options), new MemoryNetwork(), new VirtualTime()]
  const reports: PolicyEvent[] = []
  const gateway = new Gateway({
    port: guest.port,
    host,
    names,
    clock: time.clock,
    timers: time,
    entropy: seededEntropy(7n),
    policy,
    onPolicy: event => reports.push(event),
  })
  const segment = (
    to: string,
    port: number,
    flags: number,
    more: { sequence?: number; acknowledgment?: number; data?: number[] } = {},
  ) => {
    const { sequence = 1000, acknowledgment = 0, data = [] } = more
    const header = { sourcePort: 4000, destinationPort: port, sequence, acknowledgment, flags, window: 60_000 }
    const bytes = new Uint8Array(tcpHeaderBytes(header) + data.length)
    writeTcp(bytes, { ...header, maxSegmentBytes: 1000, windowShift: 7 })
    bytes.set(data, bytes.length - data.length)
    guest.sendPacket(to.includes(':') ? 'fd00:d0::15' : GUEST, to, 6, bytes, 16)
  }
  const heard = () =>
    guest.packets().flatMap(packet => {
      const parsed = packet.protocol === 6 ? parseTcp(packet.payload) : undefined
      return parsed ? [{ ...parsed, from: packet.from, isSound: isChecksumRight(packet) }] : []
    })
  return { guest, host, time, gateway, reports, segment, heard }
}

test('what is for another machine’s card is left alone, though the switch shows it', () => {
  const { guest, host, segment, heard } = setUp()
  let sent: Uint8Array = new Uint8Array(0)
  const send = guest.sendFrame.bind(guest)
  guest.sendFrame = frame => {
    sent = frame
  }
  segment('10.0.2.16', 7000, ACK, { sequence: 5, data: [1] })
  sent.set([0x52, 0x54, 0, 9, 9, 9])
  send(sent)
  expect([heard(), host.connects]).toEqual([[], []])
})

test('it answers who has its addresses, and no others', () => {
  const { guest } = setUp()
  const ask = (address: string): void => {
    const frame = new Uint8Array(42).fill(255, 0, 6)
    frame.set(guest.mac, 6)
    frame.set(
      [8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...guest.mac, ...ipBytes(GUEST), 0, 0, 0, 0, 0, 0, ...ipBytes(address)],
      12,
    )
    guest.sendFrame(frame)
  }
  for (const address of ['10.0.2.2', '10.0.2.3', '10.0.2.77']) ask(address)
  expect(guest.frames.map(frame => [...frame.subarray(20, 32)])).toEqual([
    [0, 2, 0x52, 0x55, 10, 0, 2, 2, 10, 0, 2, 2],
    [0, 2, 0x52, 0x55, 10, 0, 2, 2, 10, 0, 2, 3],
  ])
})

test('it answers an echo to itself, and says that it carries none to the world', () => {
  const { guest } = setUp()
  const echo = Uint8Array.of(8, 0, 0, 0, 1, 2, 0, 1, 9, 9, 9)
  guest.sendPacket(GUEST, '10.0.2.2', 1, echo, 2)
  guest.sendPacket(GUEST, '8.8.8.8', 1, echo, 2)
  const [reply, refusal] = guest.packets()
  expect([reply?.from, ...(reply?.payload ?? [])].slice(0, 3)).toEqual(['10.0.2.2', 0, 0])
  expect(reply?.payload.subarray(4)).toEqual(echo.subarray(4))
  expect([refusal?.from, refusal?.payload[0], refusal?.payload[1]]).toEqual(['10.0.2.2', 3, 13])
})

test('it tells IPv6 guests its prefix, its name server and its card', () => {
  const { guest } = setUp()
  guest.sendPacket('fe80::15', 'ff02::2', 58, Uint8Array.of(133, 0, 0, 0, 0, 0, 0, 0), 2)
  const solicitation = Uint8Array.of(135, 0, 0, 0, 0, 0, 0, 0, ...ipBytes('fd00:d0::2'))
  guest.sendPacket('fe80::15', 'ff02::1:ff00:2', 58, solicitation, 2)
  const [router, neighbour] = guest.packets()
  expect([router?.from, router?.to, router?.payload[0]]).toEqual(['fe80::2', 'ff02::1', 134])
  expect([...(router?.payload ?? [])].join()).toContain(ipBytes('fd00:d0::').join())
  expect([...(router?.payload ?? [])].join()).toContain(ipBytes('fd00:d0::3').join())
  expect([neighbour?.from, neighbour?.payload[0]]).toEqual(['fd00:d0::2', 136])
  expect([router, neighbour].map(packet => packet && isChecksumRight(packet))).toEqual([true, true])
})

test('a datagram leaves by a socket of the host’s, and its answer comes back from where it was sent', () => {
  const { guest, host } = setUp()
  guest.sendDatagram(GUEST, 777, '8.8.4.4', 999, Uint8Array.of(1, 2))
  expect(host.datagramsSent).toEqual(['8.8.4.4 999 1,2'])
  host.sockets[0]?.received('8.8.4.4', 999, Uint8Array.of(3))
  host.sockets[0]?.received('6.6.6.6', 999, Uint8Array.of(4))
  const [answer, ...more] = guest.packets()
  expect([answer?.from, answer?.to, ...(answer?.payload ?? [])]).toEqual([
    '8.8.4.4',
    GUEST,
    999 >> 8,
    999 & 255,
    777 >> 8,
    777 & 255,
    0,
    9,
    answer?.payload[6],
    answer?.payload[7],
    3,
  ])
  expect(answer && isChecksumRight(answer)).toBe(true)
  expect(more).toEqual([])
})

test('a long datagram comes back in fragments, and goes out of them', () => {
  const { guest, host } = setUp()
  guest.sendDatagram(GUEST, 777, '8.8.4.4', 999, Uint8Array.of(0))
  host.sockets[0]?.received('8.8.4.4', 999, new Uint8Array(4000).fill(5))
  const parts = guest.packets()
  expect(parts.map(part => [part.fragment?.offset, part.fragment?.more, part.payload.length])).toEqual([
    [0, true, 1480],
    [1480, true, 1480],
    [2960, false, 1048],
  ])
})

test('idle sockets are given back', () => {
  const { guest, host, time } = setUp()
  guest.sendDatagram(GUEST, 777, '8.8.4.4', 999, Uint8Array.of(0))
  time.advance(60_000)
  expect(host.sockets[0]?.isClosed).toBe(false)
  time.advance(200_000)
  expect([host.sockets[0]?.isClosed, time.pending]).toEqual([true, 0])
})

test('a connection is answered when the host’s stands; bytes pass; both directions end on their own', () => {
  const { host, segment, heard } = setUp()
  segment('93.184.216.34', 80, SYN)
  expect(heard()).toEqual([])
  const [{ target, events, stream } = { target: '', events: undefined, stream: undefined }] = host.connects
  expect(target).toBe('93.184.216.34 80')
  events?.connected()
  const [answer] = heard()
  expect([answer?.flags, answer?.from, answer?.acknowledgment, answer?.isSound]).toEqual([
    SYN | ACK,
    '93.184.216.34',
    1001,
    true,
  ])
  const base = ((answer?.sequence ?? 0) + 1) >>> 0
  segment('93.184.216.34', 80, ACK, { sequence: 1001, acknowledgment: base, data: [7, 8, 9] })
  expect(stream?.written).toEqual([7, 8, 9])
  events?.data(Uint8Array.of(42))
  events?.ended()
  const replies = heard()
  // The first tells how wide the window really is, which a SYN cannot.
  expect(replies.map(({ flags }) => flags & (FIN | ACK))).toEqual([ACK, ACK, ACK, FIN | ACK])
  expect(replies.flatMap(({ data }) => [...data])).toEqual([42])
  segment('93.184.216.34', 80, FIN | ACK, { sequence: 1004, acknowledgment: (base + 2) >>> 0 })
  expect(stream?.calls).toEqual(['end'])
})

test('what the host reports, the guest learns: refused, unreachable, reset', () => {
  const { host, segment, heard, guest } = setUp()
  segment('93.184.216.34', 81, SYN)
  host.connects[0]?.events.closed('refused')
  expect(heard().map(({ flags, acknowledgment }) => [flags, acknowledgment])).toEqual([[RST | ACK, 1001]])
  segment('93.184.216.34', 82, SYN)
  host.connects[1]?.events.closed('unreachable')
  expect(guest.packets().map(packet => [packet.protocol, packet.payload[0], packet.payload[1]])).toEqual([[1, 3, 1]])
  segment('93.184.216.34', 83, SYN)
  host.connects[2]?.events.connected()
  const [answer] = heard()
  segment('93.184.216.34', 83, ACK, { sequence: 1001, acknowledgment: ((answer?.sequence ?? 0) + 1) >>> 0 })
  host.connects[2]?.events.closed('reset')
  expect(heard().at(-1)?.flags).toBe(RST | ACK)
})

test('a slow host closes the guest’s window', () => {
  const { host, segment, heard } = setUp()
  segment('93.184.216.34', 80, SYN)
  const [connect] = host.connects
  connect?.events.connected()
  const base = ((heard()[0]?.sequence ?? 0) + 1) >>> 0
  if (connect) connect.stream.holds = true
  const data = Array<number>(1000).fill(1)
  for (let i = 0; i < 10; i++)
    segment('93.184.216.34', 80, ACK, { sequence: 1001 + i * 1000, acknowledgment: base, data })
  const windows = heard().map(({ window }) => window)
  expect(windows.at(-1)).toBeLessThan(windows[0] ?? 0)
})

test('a guest cannot reach the host’s loopback or its neighbours unless it is allowed to', () => {
  const { host, segment, heard, reports } = setUp()
  const targets = ['10.0.2.2', '127.0.0.1', '192.168.1.1', '169.254.169.254', '::ffff:127.0.0.1', 'fd12::1', '::1']
  for (const target of targets) segment(target, 80, SYN)
  expect(host.connects).toEqual([])
  expect(heard().every(({ flags }) => flags === (RST | ACK))).toBe(true)
  expect(reports.map(({ allowed, rule }) => [allowed, rule])).toEqual(targets.map(() => [false, 'private address']))
  const open = setUp({ allow: ['127.0.0.1:80'] })
  open.segment('10.0.2.2', 80, SYN)
  open.segment('10.0.2.2', 81, SYN)
  expect(open.host.connects.map(({ target }) => target)).toEqual(['127.0.0.1 80'])
})

test('an allowed name opens the addresses it stands for, and no other name is answered', async () => {
  const { guest, host, segment, reports } = setUp({ allow: ['good.test'] })
  segment('93.184.216.34', 443, SYN)
  expect(host.connects).toEqual([])
  const ask = async (name: string): Promise<number | undefined> => {
    guest.packets()
    guest.sendDatagram(
      GUEST,
      5353,
      '10.0.2.3',
      53,
      Uint8Array.from(name, c => c.charCodeAt(0)),
    )
    for (let i = 0; i < 5; i++) await Promise.resolve()
    return guest.packets()[0]?.payload[8]
  }
  expect(await ask('bad.test')).toBe(0)
  expect(await ask('good.test')).toBe(1)
  segment('93.184.216.34', 443, SYN)
  expect(host.connects.map(({ target }) => target)).toEqual(['93.184.216.34 443'])
  expect(reports.map(({ kind, target, allowed }) => `${kind} ${target} ${allowed}`)).toEqual([
    'tcp 93.184.216.34:443 false',
    'dns bad.test false',
    'dns good.test true',
    'tcp 93.184.216.34:443 true',
  ])
})

test('names can be asked for over TCP', async () => {
  const { segment, heard } = setUp()
  segment('10.0.2.3', 53, SYN)
  for (let i = 0; i < 5; i++) await Promise.resolve()
  const base = ((heard()[0]?.sequence ?? 0) + 1) >>> 0
  segment('10.0.2.3', 53, ACK, { sequence: 1001, acknowledgment: base, data: [0, 3, 97, 46] })
  segment('10.0.2.3', 53, ACK, { sequence: 1005, acknowledgment: base, data: [98] })
  for (let i = 0; i < 5; i++) await Promise.resolve()
  expect(heard().flatMap(({ data }) => [...data])).toEqual([0, 4, 1, 97, 46, 98])
})

test('a published port joins whoever connects on the host with the guest', async () => {
  const { gateway, guest, time, host, heard, segment } = setUp()
  expect((await gateway.publish({ guestPort: 8000 })).port).toBe(40_000)
  const { MemoryStream } = await import('../../test/memory-network.ts')
  const stream = new MemoryStream()
  let say: { data(bytes: Uint8Array): void } | undefined
  host.accept?.(stream, events => {
    say = events
  })
  // Nobody knows the guest's card yet: it is asked for, and the segment sent again.
  const [question] = guest.frames
  expect([...(question?.subarray(12, 14) ?? []), ...(question?.subarray(38, 42) ?? [])]).toEqual([
    8,
    6,
    ...ipBytes(GUEST),
  ])
  guest.sendPacket(GUEST, '10.0.2.2', 99, new Uint8Array(1))
  guest.packets()
  time.advance(1100)
  const [syn] = heard()
  expect([syn?.flags, syn?.destinationPort, syn?.from]).toEqual([SYN, 8000, '10.0.2.2'])
  expect(gateway.connections).toBe(1)
  say?.data(Uint8Array.of(1, 2, 3))
  expect(heard()).toEqual([])
  segment('10.0.2.2', 1, ACK)
  expect(heard().map(({ flags }) => flags)).toEqual([RST])
  gateway.close()
  expect([stream.calls, gateway.connections]).toEqual([['destroy'], 0])
})

test('where the port takes offloads, long segments go out whole with their checksum left over', () => {
  const { guest, host, segment } = setUp({}, { takesOffload: true })
  segment('93.184.216.34', 80, SYN)
  host.connects[0]?.events.connected()
  const synAck = guest.frames.at(-1) as Uint8Array
  const base = (get32(synAck, 38) + 1) >>> 0
  segment('93.184.216.34', 80, ACK, { sequence: 1001, acknowledgment: base })
  guest.frames.length = 0
  guest.offloads.length = 0
  host.connects[0]?.events.data(new Uint8Array(5000))
  expect(guest.frames.map(frame => frame.length - 54)).toEqual([5000])
  expect(guest.offloads).toEqual([{ checksum: { start: 34, offset: 16 }, segmentBytes: 1000 }])
  expect(get16(guest.frames[0] as Uint8Array, 16)).toBe(5040)
})

test('no frame, however odd, upsets it', () => {
  const { guest, gateway, time } = setUp()
  const type = fc.constantFrom([8, 0], [8, 6], [0x86, 0xdd], [1, 2])
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 120 }),
      type,
      fc.nat(255),
      fc.boolean(),
      (bytes, ethertype, protocol, fix) => {
        const frame = Uint8Array.of(...guest.mac, ...guest.mac, ...ethertype, ...bytes)
        const isIpv4 = ethertype[0] === 8 && ethertype[1] === 0
        if (fix && isIpv4 && frame.length >= 34) {
          guest.sendPacket(GUEST, '10.0.2.2', protocol % 20, frame.subarray(20))
          guest.sendPacket(
            GUEST,
            '10.0.2.3',
            17,
            Uint8Array.of(0, 9, 0, [53, 67, 9][protocol % 3] ?? 0, ...frame.subarray(14)),
            6,
          )
        }
        if (fix && ethertype[0] === 0x86 && frame.length >= 54) {
          frame[14] = 0x60
          put16(frame, 18, frame.length - 54)
        }
        guest.sendFrame(frame)
        guest.packets()
      },
    ),
    { numRuns: 3000 },
  )
  gateway.close()
  time.advance(300_000)
  expect(time.pending).toBe(0)
})
