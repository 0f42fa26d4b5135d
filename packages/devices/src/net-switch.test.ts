import { expect, test } from 'vitest'
import { NetSwitch } from './net-switch.ts'

const [A, B, C] = [2, 4, 6].map(n => [n, 0, 0, 0, 0, n])
const ALL = [255, 255, 255, 255, 255, 255]
const frame = (to: number[] | undefined, from: number[] | undefined): Uint8Array =>
  Uint8Array.from([...(to ?? []), ...(from ?? []), 8, 0, 1])

function three() {
  const net = new NetSwitch()
  const heard: string[] = []
  const ports = ['a', 'b', 'c'].map(name => {
    const port = net.port()
    port.onFrame(() => heard.push(name))
    return port
  })
  const send = (from: number, bytes: Uint8Array): string => {
    heard.length = 0
    ports[from]?.send(bytes)
    return heard.join('')
  }
  return { net, ports, send }
}

test('a broadcast reaches everyone but its sender', () => {
  expect(three().send(0, frame(ALL, A))).toBe('bc')
})

test('an address not heard of yet is flooded, then known', () => {
  const { send } = three()
  expect(send(0, frame(B, A))).toBe('bc')
  expect(send(1, frame(A, B))).toBe('a')
  expect(send(2, frame(B, C))).toBe('b')
})

test('an address follows the port it was last heard on', () => {
  const { send } = three()
  send(0, frame(ALL, A))
  send(2, frame(ALL, A))
  expect(send(1, frame(A, B))).toBe('c')
})

test('a port pulled out neither sends nor receives, and its address is flooded again', () => {
  const { ports, send } = three()
  send(0, frame(ALL, A))
  ports[0]?.unplug()
  expect(send(0, frame(ALL, A))).toBe('')
  expect(send(1, frame(A, B))).toBe('c')
})

test('a frame sent from within a delivery follows it', () => {
  const net = new NetSwitch()
  const [a, b] = [net.port(), net.port()]
  const order: string[] = []
  b.onFrame(() => {
    b.send(frame(A, B))
    order.push('b has returned')
  })
  a.onFrame(() => order.push('a'))
  a.send(frame(B, A))
  expect(order).toEqual(['b has returned', 'a'])
})

test('the sender may reuse its buffer, and a runt is dropped', () => {
  const net = new NetSwitch()
  const [a, b] = [net.port(), net.port()]
  const heard: Uint8Array[] = []
  b.onFrame(f => heard.push(f))
  const buffer = frame(ALL, A)
  a.send(buffer)
  buffer.fill(0)
  a.send(new Uint8Array(13))
  expect(heard).toEqual([frame(ALL, A)])
})
