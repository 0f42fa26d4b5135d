import { type NetPort, VirtualClock } from '@doppel/base'
import { expect, test } from 'vitest'
import { captured, pcapHeader } from './capture.ts'

test('frames of both directions pass, and are noted with their time and length', () => {
  const clock = new VirtualClock(1_700_000_000_123_456_789n)
  const sent: Uint8Array[] = []
  let receive: ((frame: Uint8Array) => void) | undefined
  const port: NetPort = {
    takesOffload: true,
    send: frame => sent.push(frame),
    onFrame: listener => {
      receive = listener
    },
  }
  const file: number[] = [...pcapHeader()]
  const tapped = captured(port, record => file.push(...record), clock)
  const heard: Uint8Array[] = []
  tapped.onFrame(frame => heard.push(frame))
  tapped.send(Uint8Array.of(1, 2, 3))
  clock.advanceNs(1)
  receive?.(Uint8Array.of(4))
  expect([sent, heard, tapped.takesOffload]).toEqual([[Uint8Array.of(1, 2, 3)], [Uint8Array.of(4)], true])
  const view = new DataView(Uint8Array.from(file).buffer)
  expect([view.getUint32(0, true), view.getUint16(4, true), view.getUint32(20, true)]).toEqual([0xa1b23c4d, 2, 1])
  const words = (at: number) => [0, 4, 8, 12].map(i => view.getUint32(at + i, true))
  expect(words(24)).toEqual([1_700_000_000, 123_456_789, 3, 3])
  expect(words(24 + 16 + 3)).toEqual([1_700_000_000, 123_456_790, 1, 1])
  expect(file.length).toBe(24 + 19 + 17)
})
