import type { ChannelEnd, ChannelPort } from '@doppel/base'
import { expect, test } from 'vitest'
import { type Driver, F_VERSION_1, mmioDriver } from '../../test/virtio-driver.ts'
import { CHANNEL_INPUT_LIMIT_BYTES, virtioChannels } from './channels.ts'

const F_MULTIPORT = 2n
// Queues of ports 0 and 1, and of control (Virtio 1.2 §5.3.2).
const [CONTROL_IN, CONTROL_OUT, RECEIVE1, TRANSMIT1] = [2, 3, 4, 5]
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s)

interface TestPort extends ChannelPort {
  end: ChannelEnd
  readonly heard: string[]
  wants: boolean
}

function port(name: string): TestPort {
  const heard: string[] = []
  const made: TestPort = {
    name,
    heard,
    wants: true,
    end: undefined as unknown as ChannelEnd,
    connect: end => void (made.end = end),
    write: bytes => void heard.push(text(bytes)),
    wantsMore: () => made.wants,
    guestOpen: open => void heard.push(open ? 'opened' : 'closed'),
    drained: () => void heard.push('drained'),
  }
  return made
}

const message = (id: number, event: number, value: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(8))
  view.setUint32(0, id, true)
  view.setUint16(4, event, true)
  view.setUint16(6, value, true)
  return new Uint8Array(view.buffer)
}

/** A driver that has found two ports, as Linux's does: it reports ready, hears of each, and makes it ready. */
function ready(ports: readonly TestPort[]): { driver: Driver; said: () => string[] } {
  const driver = mmioDriver(virtioChannels({ ports })).start({ queues: 6, want: F_VERSION_1 | F_MULTIPORT, size: 32 })
  const buffers = Array.from({ length: 16 }, () => driver.post(CONTROL_IN, [], [64]))
  const tell = (id: number, event: number, value: number): void =>
    void driver.post(CONTROL_OUT, [message(id, event, value)], [])
  tell(0, 0, 1)
  for (const id of ports.keys()) tell(id, 3, 1)
  const said = (): string[] => {
    driver.collect(CONTROL_IN)
    return buffers.flatMap(buffer => {
      if (buffer.written === undefined) return []
      const bytes = buffer.bytes()
      const view = new DataView(bytes.buffer)
      return `${view.getUint32(0, true)}:${view.getUint16(4, true)}=${view.getUint16(6, true)}${text(bytes.subarray(8))}`
    })
  }
  return { driver, said }
}

test('a driver learns of every port, its name, and whether the host has opened it', () => {
  const ports = [port('a'), port('b')]
  const { driver, said } = ready(ports)
  ports[1]?.end.setOpen(true)
  expect(said()).toEqual(['0:1=1', '1:1=1', '0:7=1a', '1:7=1b', '1:6=1'])
  expect(driver.transport.config(4, 4)).toBe(2)
})

test('bytes pass both ways, and the host hears when its own have been taken', () => {
  const ports = [port('a'), port('b')]
  const { driver } = ready(ports)
  driver.post(TRANSMIT1, [utf8('out'), utf8('put')], [])
  expect(ports[1]?.heard).toEqual(['output'])
  expect(ports[1]?.end.send(utf8('input'))).toBe(5)
  expect(ports[1]?.end.queuedBytes).toBe(5)
  expect(text(driver.post(RECEIVE1, [], [3]).bytes())).toBe('inp')
  expect(text(driver.post(RECEIVE1, [], [64]).bytes())).toBe('ut')
  expect(ports[1]?.heard).toEqual(['output', 'drained'])
})

test('while the host wants no more, the guest waits; its end comes after its bytes', () => {
  const ports = [port('a'), port('b')]
  const { driver } = ready(ports)
  const wired = ports[1] as TestPort
  wired.wants = false
  driver.post(CONTROL_OUT, [message(1, 6, 1)], [])
  const held = driver.post(TRANSMIT1, [utf8('late')], [])
  driver.post(CONTROL_OUT, [message(1, 6, 0)], [])
  expect([held.written, wired.heard]).toEqual([undefined, []])
  wired.wants = true
  wired.end.resume()
  driver.collect(TRANSMIT1)
  expect([held.written, wired.heard]).toEqual([0, ['late']])
})

test('a guest that opens and closes is heard; a reset closes', () => {
  const ports = [port('a'), port('b')]
  const { driver } = ready(ports)
  driver.post(CONTROL_OUT, [message(1, 6, 1)], [])
  driver.post(CONTROL_OUT, [message(1, 6, 0)], [])
  driver.post(CONTROL_OUT, [message(1, 6, 1)], [])
  driver.transport.setStatus(0)
  expect(ports[1]?.heard).toEqual(['opened', 'closed', 'opened', 'closed'])
})

test('closing the host’s side drops what the guest has not taken; what does not fit is not taken', () => {
  const ports = [port('a'), port('b')]
  const { said } = ready(ports)
  const { end } = ports[1] as TestPort
  end.setOpen(true)
  expect(end.send(new Uint8Array(CHANNEL_INPUT_LIMIT_BYTES + 10))).toBe(CHANNEL_INPUT_LIMIT_BYTES)
  end.setOpen(false)
  expect([end.queuedBytes, said().at(-1)]).toEqual([0, '1:6=0'])
})

test('messages about ports that are not there, and short ones, are nothing', () => {
  const ports = [port('a')]
  const { driver, said } = ready(ports)
  const before = said()
  for (const bytes of [message(99, 6, 1), message(99, 3, 1), message(0, 4000, 1), utf8('abc')]) {
    expect(driver.post(CONTROL_OUT, [bytes], []).written).toBe(0)
  }
  expect([ports[0]?.heard, said()]).toEqual([[], before])
})

test('a device has at least one channel', () => {
  expect(() => mmioDriver(virtioChannels({ ports: [] }))).toThrow('0 channels')
})
