import fc from 'fast-check'
import { expect, test } from 'vitest'
import { agentLine, AgentReader, shellQuote } from './shell-code.ts'

const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s)

test('the agent’s lines are read however they are cut', () => {
  const said = 'hello abc\nidle 3 17 16\nfail 3 user\nexit 3 126\n'
  fc.assert(
    fc.property(fc.array(fc.nat({ max: said.length }), { maxLength: 5 }), cuts => {
      const reader = new AgentReader()
      const at = [0, ...cuts.sort((a, b) => a - b), said.length]
      const events = at.slice(1).flatMap((end, i) => reader.feed(utf8(said.slice(at[i], end))))
      expect(events).toEqual([
        { type: 'hello', nonce: 'abc' },
        { type: 'idle', id: 3, pid: 17, group: 16 },
        { type: 'fail', id: 3, reason: 'user' },
        { type: 'exit', id: 3, status: 126 },
      ])
    }),
  )
})

test('what the agent did not say is passed over, whatever it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), bytes => {
      const reader = new AgentReader()
      reader.feed(bytes)
      expect(reader.feed(utf8('\nexit 1 0\n')).at(-1)).toEqual({ type: 'exit', id: 1, status: 0 })
    }),
  )
})

test('words are quoted for the shell; plain ones stay as they are', () => {
  expect(agentLine(['spawn', 1, "it's", '', 'a b', '/x'])).toBe(`spawn 1 'it'\\''s' '' 'a b' /x\n`)
  expect(() => shellQuote('a\0b')).toThrow('NUL')
})
