import { expect, test } from 'vitest'
import { Profile } from '@doppel/riscv'
import { profileReport } from './profile.ts'
import { parseSymbols } from './symbols.ts'

const MAP = `ffffffff80000000 T _start
ffffffff80000100 t memcpy
ffffffff80000180 d data_is_no_code
ffffffff80000200 W memset
`
const bytes = new TextEncoder().encode(MAP)

test('an address has the name of the function that begins before it', () => {
  const symbols = parseSymbols(bytes, 'System.map')
  expect(symbols.nameAt(0xffff_ffff_8000_01ffn)).toBe('memcpy')
  expect(symbols.nameAt(0xffff_ffff_8000_0200n)).toBe('memset')
  // Neither before the first nor long after the last.
  expect(symbols.nameAt(0x1000n)).toBeUndefined()
  expect(symbols.nameAt(0xffff_ffff_9000_0000n)).toBeUndefined()
})

test('a file without symbols is refused', () => {
  expect(() => parseSymbols(new TextEncoder().encode('nothing\n'), 'notes.txt')).toThrow(/notes.txt has no symbols/)
})

test('a profile gives shares by function, and by page where none is known', () => {
  const profile = new Profile()
  for (let i = 0; i < 6; i++) profile.note(0xffff_ffff_8000_0110n, false)
  profile.note(0xffff_ffff_8000_0112n, false)
  for (let i = 0; i < 3; i++) profile.note(0x5678n, true)
  expect(profileReport(profile, parseSymbols(bytes, 'System.map')).split('\n')).toEqual([
    '10 samples, about one a millisecond; share, mode, hottest address, function or page:',
    ' 70.0%  system  0xffffffff80000110  memcpy',
    ' 30.0%  user    0x5678              page 0x5000',
    '',
  ])
})
