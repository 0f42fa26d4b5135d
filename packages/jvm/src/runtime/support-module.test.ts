import { expect, test } from 'vitest'
import { supportModule } from './support-module.ts'

test('the support module is valid', () => {
  expect(WebAssembly.validate(supportModule())).toBe(true)
})
