import { describe, expect, test } from 'vitest'
import { EscapeFilter } from './escape.ts'

const typed = (...pieces: string[]): { text: string; actions: string[] } => {
  const filter = new EscapeFilter()
  const fed = pieces.map(piece => filter.feed(new TextEncoder().encode(piece)))
  return {
    text: fed.map(({ forGuest }) => new TextDecoder().decode(forGuest)).join(''),
    actions: fed.flatMap(({ actions }) => actions),
  }
}

describe('Ctrl-A', () => {
  test('and x ends the machine, what is around it goes to the guest', () => {
    expect(typed('ls\x01xpwd')).toEqual({ text: 'lspwd', actions: ['quit'] })
  })
  test('and h asks for help', () => expect(typed('\x01h').actions).toEqual(['help']))
  test('twice, or with a, is one Ctrl-A for the guest', () => expect(typed('\x01\x01\x01a').text).toBe('\x01\x01'))
  test('is remembered between pieces', () => expect(typed('\x01', 'x')).toEqual({ text: '', actions: ['quit'] }))
  test('and any other key is nothing', () => expect(typed('a\x01zb')).toEqual({ text: 'ab', actions: [] }))
})

test('an x alone is an x', () => expect(typed('x')).toEqual({ text: 'x', actions: [] }))
