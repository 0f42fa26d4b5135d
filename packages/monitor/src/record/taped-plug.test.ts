import type { FrameOffload, NetPort } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRecording, encodeBeginning } from './format.ts'
import { DEAF_PLUG, tapedPlug } from './taped-plug.ts'
import { RecordingTape, ReplayingTape } from './tapes.ts'

type Frame = readonly [frame: Uint8Array, offload: FrameOffload | undefined]

/** A network that notes what is sent into it. */
function network(): NetPort & { readonly sent: Frame[]; arrive: (...frame: Frame) => void } {
  let receive: (frame: Uint8Array, offload?: FrameOffload) => void = () => undefined
  const sent: Frame[] = []
  return {
    takesOffload: true,
    sent,
    send: (frame, offload) => void sent.push([frame, offload]),
    onFrame: to => void (receive = to),
    arrive: (frame, offload) => receive(frame, offload),
  }
}

const plain = Uint8Array.from({ length: 60 }, (_, i) => i)
const FRAMES: readonly Frame[] = [
  [plain, undefined],
  [plain, { checksum: { start: 34, offset: 6 } }],
  [new Uint8Array(3000).fill(7), { checksum: { start: 34, offset: 16 }, segmentBytes: 1448 }],
]

test('frames reach the machine again at the same instructions, and what it sends then goes nowhere', () => {
  const parts = [encodeBeginning(null)]
  const outside = network()
  const tape = new RecordingTape(bytes => parts.push(bytes))
  const plug = tapedPlug(tape, 'net0', outside)
  const got: Frame[] = []
  plug.onFrame((frame, offload) => got.push([frame.slice(), offload]))
  for (const [frame, offload] of FRAMES) plug.send(frame, offload)
  expect(outside.sent).toEqual(FRAMES)
  for (const frame of FRAMES) outside.arrive(...frame)
  expect(got).toEqual([])
  tape.round(100n, 5)
  expect(got).toEqual(FRAMES)
  tape.end(200n, 6, 'x')

  const { events } = decodeRecording(Uint8Array.from(parts.flatMap(part => [...part])))
  const again = new ReplayingTape(events)
  const replayed = tapedPlug(again, 'net0', DEAF_PLUG)
  const gotAgain: Frame[] = []
  replayed.onFrame((frame, offload) => gotAgain.push([frame.slice(), offload]))
  replayed.send(plain)
  again.round(99n, 5)
  expect(gotAgain).toEqual([])
  again.round(100n, 5)
  expect(gotAgain).toEqual(FRAMES)
})

test('whatever a recording holds for a frame, it is one whose offload lies in it, or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
      const tape = new ReplayingTape([{ kind: 'input', instructions: 1n, atNs: 1, port: 'net0', bytes }])
      tapedPlug(tape, 'net0', DEAF_PLUG).onFrame((frame, offload) => {
        const { start = 0, offset = 0 } = offload?.checksum ?? {}
        expect(offload === undefined || start + offset + 2 <= frame.length).toBe(true)
      })
      let code: unknown = 'replay.format'
      try {
        tape.round(1n, 1)
      } catch (error) {
        code = (error as { code?: unknown }).code
      }
      expect(code).toBe('replay.format')
    }),
  )
})
