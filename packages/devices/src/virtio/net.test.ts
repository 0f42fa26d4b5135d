import { expect, test } from 'vitest'
import { F_VERSION_1, mmioDriver } from '../../test/virtio-driver.ts'
import { NetSwitch } from '../net-switch.ts'
import { NET_RECEIVE_LIMIT_FRAMES, virtioNet } from './net.ts'

const [RECEIVE, TRANSMIT] = [0, 1]
const F_MRG_RXBUF = 1n << 15n
const HEADER = 12
const MAC = '52:54:00:12:34:56'
const MAC_BYTES = [0x52, 0x54, 0, 0x12, 0x34, 0x56]
const OTHER = [2, 0, 0, 0, 0, 9]

const frame = (to: number[], from: number[], length: number, fill = 0xab): Uint8Array => {
  const bytes = new Uint8Array(length).fill(fill)
  bytes.set([...to, ...from, 8, 0])
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
