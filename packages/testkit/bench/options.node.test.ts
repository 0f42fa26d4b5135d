import { expect, test } from 'vitest'
import { parseOptions } from './options.ts'

const KNOWN = ['boot', 'sort']

test('without arguments everything is measured three times, translated and under paging', () => {
  expect(parseOptions([], KNOWN)).toEqual({
    names: [],
    rounds: 3,
    engine: 'translator',
    paging: true,
    json: false,
    help: false,
  })
})

test('names and flags may be parted by a second --', () => {
  const options = parseOptions(['sort', 'sort', '--', '--json', '--rounds', '5', '--no-paging'], KNOWN)
  expect(options).toMatchObject({ names: ['sort'], rounds: 5, paging: false, json: true })
})

test.each([
  [['nap'], "there is no benchmark 'nap'; expected some of boot, sort"],
  [['--rounds', '0'], '--rounds 0: expected a number from 1 to 1000'],
  [['--engine', 'steam'], '--engine steam: expected translator or interpreter'],
  [['--jsno'], /--jsno/],
])('%j is refused with what was expected', (argv, message) => {
  expect(() => parseOptions(argv, KNOWN)).toThrow(message)
})
