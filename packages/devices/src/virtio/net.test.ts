import { expect, test } from 'vitest'
import { F_VERSION_1, mmioDriver, type Posted } from '../../test/virtio-driver.ts'
import { NetSwitch } from '../net-switch.ts'
import { NET_RECEIVE_LIMIT_FRAMES, virtioNet } from './net.ts'

const [RECEIVE, TRANSMIT] = [0, 1]
const F_MRG_RXBUF = 1n << 15n
const F_GUEST_CSUM = 1n << 1n
const F_GUEST_TSO4 = 1n << 7n
const HEADER = 12
const MAC = '52:54:00:12:34:56'
const MAC_BYTES = [0x52, 0x54, 0, 0x12, 0x34, 0x56]
const OTHER = [2, 0, 0, 0, 0, 9]

const frame = (to: number[], from: number[], length: number, fill = 0xab): Uint8Array => {
  const bytes = new Uint8Array(length).fill(fill)
  bytes.set([...to, ...from, 8, 0])
  return bytes
}

/** A TCP segment over IPv4, headers of 54 bytes before its data. */
const segment = (dataBytes: number): Uint8Array => {
  const bytes = Uint8Array.from(frame(MAC_BYTES, OTHER, 54 + dataBytes), (byte, i) => (i < 14 ? byte : i & 0xff))
  bytes.set([0x45], 14)
  bytes.set([5 << 4], 34 + 12)
  return bytes
}

function setUp(want = F_VERSION_1) {
  const net = new NetSwitch()
  const driver = mmioDriver(virtioNet({ port: net.port(), mac: MAC })).start({ queues: 2, size: 16, want })
  const peer = net.port()
  const heard: Uint8Array[] = []
  peer.onFrame(f => heard.push(f))
  return { driver, peer, heard }
}

test('configuration tells the address and that the link is up', () => {
  const { driver } = setUp()
  expect([0, 1, 2, 3, 4, 5, 6].map(i => driver.transport.config(i, 1))).toEqual([...MAC_BYTES, 1])
})

test('a frame that the guest transmits reaches its peer without the header', () => {
  const { driver, heard } = setUp()
  const sent = frame(OTHER, MAC_BYTES, 60)
  driver.post(TRANSMIT, [new Uint8Array(HEADER), sent], [])
  expect(heard).toEqual([sent])
})

test('a frame for the guest is put behind a header, one buffer a frame', () => {
  const { driver, peer } = setUp()
  const buffer = driver.post(RECEIVE, [], [HEADER, 1514])
  const sent = frame(MAC_BYTES, OTHER, 200)
  peer.send(sent)
  driver.collect(RECEIVE)
  expect([...buffer.bytes().subarray(0, HEADER)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
  expect(buffer.bytes().subarray(HEADER)).toEqual(sent)
  expect(driver.line.level).toBe(true)
})

test('with mergeable buffers a frame spreads over several, shown all at once', () => {
  const { driver, peer } = setUp(F_VERSION_1 | F_MRG_RXBUF)
  const first = driver.post(RECEIVE, [], [128])
  const sent = Uint8Array.from(frame(MAC_BYTES, OTHER, 300), (byte, i) => (i < 14 ? byte : i & 0xff))
  peer.send(sent)
  driver.collect(RECEIVE)
  expect([first.written, driver.line.level]).toEqual([undefined, false])
  const rest = [128, 128].map(size => driver.post(RECEIVE, [], [size]))
  expect([first.written, ...rest.map(r => r.written)]).toEqual([128, 128, 56])
  expect(first.bytes()[10]).toBe(3)
  const joined = [first, ...rest].flatMap(r => [...r.bytes()])
  expect(Uint8Array.from(joined.slice(HEADER))).toEqual(sent)
})

test('a long segment’s data begin where a buffer does, its headers alone in the one before', () => {
  const { driver, peer } = setUp(F_VERSION_1 | F_MRG_RXBUF | F_GUEST_CSUM | F_GUEST_TSO4)
  const sent = segment(5000)
  const offload = { checksum: { start: 34, offset: 16 }, segmentBytes: 1448 }
  const post = (size: number): Posted => driver.post(RECEIVE, [], [size])
  const few = [post(2048), post(2048), post(2048)]
  peer.send(sent, offload)
  driver.collect(RECEIVE)
  // Where there is no room for that the data follow at once.
  expect(few.map(({ written }) => written)).toEqual([2048, 2048, HEADER + sent.length - 4096])
  const enough = [post(2048), post(2048), post(2048), post(2048)]
  peer.send(sent, offload)
  driver.collect(RECEIVE)
  expect(enough.map(({ written }) => written)).toEqual([HEADER + 54, 2048, 2048, 5000 - 4096])
  expect(enough[0]?.bytes()[10]).toBe(4)
  expect(enough.flatMap(request => [...request.bytes()]).slice(HEADER)).toEqual([...sent])
})

test('a frame too long for a plain buffer is lost and the next one arrives', () => {
  const { driver, peer } = setUp()
  const [a, b] = [driver.post(RECEIVE, [], [100]), driver.post(RECEIVE, [], [100])]
  peer.send(frame(MAC_BYTES, OTHER, 200))
  peer.send(frame(MAC_BYTES, OTHER, 60))
  driver.collect(RECEIVE)
  expect([a.written, b.written]).toEqual([0, HEADER + 60])
})

test('frames wait for buffers up to the limit; later ones are dropped', () => {
  const { driver, peer } = setUp()
  for (let i = 0; i < NET_RECEIVE_LIMIT_FRAMES + 10; i++) peer.send(frame(MAC_BYTES, OTHER, 60 + (i % 40), i & 0xff))
  let received = 0
  for (;;) {
    const buffer = driver.post(RECEIVE, [], [200])
    if (buffer.written === undefined) break
    expect(buffer.bytes().at(-1)).toBe(received & 0xff)
    received++
  }
  expect(received).toBe(NET_RECEIVE_LIMIT_FRAMES)
})

test.each(['52:54:00:12:34', 'zz:54:00:12:34:56', '01:00:5e:00:00:01', ''])('%o is no card’s address', mac => {
  expect(() => mmioDriver(virtioNet({ port: new NetSwitch().port(), mac }))).toThrow(
    expect.objectContaining({ code: 'net.mac' }),
  )
})

const F_CSUM = 1n << 0n
/** A UDP datagram over IPv4 whose checksum holds the pseudo-header's sum, 0x2222. */
const unfinished = (to: number[], from: number[]): Uint8Array => {
  const bytes = frame(to, from, 50, 0)
  bytes.set([0x22, 0x22], 14 + 20 + 6)
  return bytes
}
const UDP_SUM = { checksum: { start: 34, offset: 6 } }

test('an unfinished checksum passes to a driver that takes it, and is finished for one that does not', () => {
  for (const [want, header, sum] of [
    [F_VERSION_1 | F_GUEST_CSUM, [1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 1, 0], [0x22, 0x22]],
    [F_VERSION_1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0], [0xdd, 0xdd]],
  ] as const) {
    const { driver, peer } = setUp(want)
    const buffer = driver.post(RECEIVE, [], [HEADER + 100])
    peer.send(unfinished(MAC_BYTES, OTHER), UDP_SUM)
    driver.collect(RECEIVE)
    expect([...buffer.bytes().subarray(0, HEADER)]).toEqual([...header])
    expect([...buffer.bytes().subarray(HEADER + 40, HEADER + 42)]).toEqual([...sum])
  }
})

test('a guest’s unfinished frame reaches its peer with what is left to do, if that can be done', () => {
  const net = new NetSwitch()
  const offered = mmioDriver(virtioNet({ port: net.port(), mac: MAC }))
  const driver = offered.start({ queues: 2, size: 16, want: F_VERSION_1 | F_CSUM })
  const peer = net.port()
  const heard: unknown[] = []
  peer.onFrame((_, offload) => heard.push(offload))
  const send = (header: number[]): unknown =>
    driver.post(TRANSMIT, [Uint8Array.from(header), unfinished(OTHER, MAC_BYTES)], [])
  send([1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 0, 0])
  send([1, 0, 0, 0, 0, 0, 49, 0, 6, 0, 0, 0])
  send([1, 3, 0, 0, 8, 0, 34, 0, 6, 0, 0, 0])
  send([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  expect(heard).toEqual([UDP_SUM, undefined])
})
