import { CodeNames, parseSymbols, utf8Bytes } from '@doppel/base'
import { Profile } from '@doppel/riscv'
import { expect, test } from 'vitest'
import { profileReport } from './profile.ts'

test('a profile gives shares by function, and by page where none is known', () => {
  const map = utf8Bytes('ffffffff80000000 T _start\nffffffff80000100 t memcpy\n')
  const profile = new Profile()
  for (let i = 0; i < 6; i++) profile.note(0xffff_ffff_8000_0110n, false)
  profile.note(0xffff_ffff_8000_0112n, false)
  for (let i = 0; i < 3; i++) profile.note(0x5678n, true)
  expect(profileReport(profile, new CodeNames(parseSymbols(map, { name: 'System.map' }))).split('\n')).toEqual([
    '10 samples, about one a millisecond; share, mode, hottest address, function or page:',
    ' 70.0%  system  0xffffffff80000110  memcpy',
    ' 30.0%  user    0x5678              page 0x5000',
    '',
  ])
})
