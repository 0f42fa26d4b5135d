import { expect, test } from 'vitest'
import { formatSize, MIB, parseSize } from './units.ts'

test.each([
  ['512M', 512 * MIB],
  ['2g', 2048 * MIB],
  ['65536', 65536],
  ['1.5GiB', 1536 * MIB],
])('%s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes))

test('a number without a suffix takes the default suffix', () => expect(parseSize('256', 'M')).toBe(256 * MIB))

test.each(['', 'lots', '-5M', '5X', '1e3'])('%o is refused', text => {
  expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'size.syntax' }))
})

test('sizes are shown with a binary unit', () => expect(formatSize(31.4 * MIB)).toBe('31.4 MiB'))
