import { expect, it } from 'vitest'
import { COMPILER_PROCEDURES } from './compiler-procedures.ts'
import type { StandardMachine } from './standard-row.ts'

it('the search of a tree that leads to itself ends', () => {
  const memory = new Uint8Array(0x1_0000)
  const [result, name] = [200, 100]
  memory[name] = 66
  const stack = [0, result, name]
  const machine = {
    pop: () => stack.pop() as number,
    push: (value: number) => void stack.push(value),
    byte: (at: number) => memory[at] as number,
    word: (at: number) => (memory[at] as number) | ((memory[at + 1] as number) << 8),
    setWord: () => undefined,
  } as unknown as StandardMachine
  COMPILER_PROCEDURES.find(({ name: short }) => short === 'TRS')?.run(machine)
  expect(stack).toEqual([1])
})
