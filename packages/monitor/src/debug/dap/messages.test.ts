import { utf8Bytes } from '@doppel/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeMessage, MessageReader } from './messages.ts'

describe('messages of the Debug Adapter Protocol', () => {
  it('are found however they arrive in pieces', () => {
    const sent = [{ seq: 1, text: 'grüße' }, { seq: 2 }, []]
    const bytes = sent.flatMap(message => [...encodeMessage(message)])
    for (const size of [1, 2, 7, 1000]) {
      const reader = new MessageReader()
      const found: unknown[] = []
      for (let at = 0; at < bytes.length; at += size)
        found.push(...reader.feed(Uint8Array.from(bytes.slice(at, at + size))))
      expect(found).toEqual(sent)
    }
  })

  it.each([
    ['X: 1\r\n\r\n{}', 'dap.header'],
    ['x'.repeat(5000), 'dap.header'],
    ['Content-Length: 99999999\r\n\r\n', 'dap.length'],
    ['Content-Length: 1\r\n\r\n{', 'dap.json'],
  ])('that are none are refused: %s', (text, code) => {
    expect(() => new MessageReader().feed(utf8Bytes(text))).toThrow(expect.objectContaining({ code }) as Error)
  })

  it('are refused with a code, whatever the bytes', () => {
    const piece = fc.constantFrom('Content-Length: ', '2', '\r\n', '\r\n\r\n', '{}', '[', '\u{ff}', 'x')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        try {
          new MessageReader().feed(utf8Bytes(pieces.join('')))
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^dap\./)
        }
      }),
    )
  })
})
