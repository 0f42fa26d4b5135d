import { expect, test } from 'vitest'
import { type PowerRequest, Syscon } from './syscon.ts'

test.each([
  [0x5555, { kind: 'poweroff' }],
  [0x7777, { kind: 'reset' }],
  [0x0007_3333, { kind: 'fail', code: 7 }],
] as const)('writing %i asks for %o', (value, request) => {
  const asked: PowerRequest[] = []
  const syscon = new Syscon(r => asked.push(r))
  syscon.write(0, 4, 0x1234)
  syscon.write(4, 4, value)
  expect(asked).toEqual([])
  syscon.write(0, 4, value)
  expect(asked).toEqual([request])
})
