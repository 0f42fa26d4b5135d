import type { NetPort } from '@doppel/base'
import { expect, test } from 'vitest'
import { VirtualTime } from '../../test/virtual-time.ts'
import { rateLimited } from './rate-limit.ts'

const RATE = 1_000_000
const BURST = 70_000

function setUp() {
  const time = new VirtualTime()
  let sentBytes = 0
  let receive: (frame: Uint8Array) => void = () => undefined
  const port: NetPort = {
    send: frame => {
      sentBytes += frame.length
    },
    onFrame: listener => {
      receive = listener
    },
  }
  const limited = rateLimited(port, RATE, time.clock, time)
  return { time, limited, sent: () => sentBytes, deliver: (frame: Uint8Array) => receive(frame) }
}

test('over a long time exactly the rate passes, and a little more at the start', () => {
  const { time, limited, sent } = setUp()
  for (let ms = 0; ms < 10_000; ms++) {
    for (let i = 0; i < 3; i++) limited.send(new Uint8Array(1500))
    time.advance(1)
  }
  expect(Math.abs(sent() - BURST - 10 * RATE)).toBeLessThan(RATE / 100)
})

test('order is kept, and the other direction is not slowed', () => {
  const { time, limited, deliver } = setUp()
  const heard: number[] = []
  limited.onFrame(frame => heard.push(frame[0] ?? 0))
  for (let i = 0; i < 200; i++) limited.send(new Uint8Array(1500))
  for (let i = 0; i < 100; i++) deliver(new Uint8Array(1500).fill(i))
  expect(heard.length).toBe(Math.floor(BURST / 1500))
  time.advance(1000)
  expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => i))
})

test('what waits is bounded; closing drops it', () => {
  const { time, limited, sent } = setUp()
  for (let i = 0; i < 10_000; i++) limited.send(new Uint8Array(1500))
  time.advance(500)
  limited.close()
  time.advance(60_000)
  expect(sent()).toBeLessThan(BURST + RATE * 0.51)
  expect(time.pending).toBe(0)
})
