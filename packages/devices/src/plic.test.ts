import { beforeEach, expect, test } from 'vitest'
import { Plic } from './plic.ts'

// One hart as on the virt board: context 0 is its M-mode, context 1 its S-mode.
const [M, S] = [0, 1]
let outputs: boolean[]
let plic: Plic

beforeEach(() => {
  outputs = [false, false]
  plic = new Plic({ sources: 96, contexts: [M, S].map(c => ({ set: level => void (outputs[c] = level) })) })
})

const setPriority = (source: number, priority: number): void => plic.write(source * 4, 4, priority)
const enable = (context: number, ...sources: number[]): void => {
  for (const word of [0, 1, 2, 3]) {
    const bits = sources.filter(s => s >> 5 === word).reduce((all, s) => all | (1 << (s & 31)), 0)
    plic.write(0x2000 + context * 0x80 + word * 4, 4, bits >>> 0)
  }
}
const setThreshold = (context: number, threshold: number): void =>
  plic.write(0x20_0000 + context * 0x1000, 4, threshold)
const claim = (context: number): number => plic.read(0x20_0004 + context * 0x1000, 4)
const complete = (context: number, source: number): void => plic.write(0x20_0004 + context * 0x1000, 4, source)

test('an enabled source interrupts its context until it is claimed', () => {
  setPriority(10, 1)
  enable(S, 10)
  plic.line(10).set(true)
  expect(outputs).toEqual([false, true])
  expect(plic.read(0x1000, 4)).toBe(1 << 10)
  expect(claim(S)).toBe(10)
  expect(outputs).toEqual([false, false])
  expect(claim(S)).toBe(0)
})

test('a level still high at completion interrupts again; one that fell does not', () => {
  setPriority(10, 1)
  enable(S, 10)
  const line = plic.line(10)
  line.set(true)
  claim(S)
  complete(S, 10)
  expect(outputs[S]).toBe(true)
  claim(S)
  line.set(false)
  complete(S, 10)
  expect(outputs[S]).toBe(false)
})

test('a request stays pending when its wire falls before the claim', () => {
  setPriority(10, 1)
  enable(S, 10)
  plic.line(10).set(true)
  plic.line(10).set(false)
  expect(claim(S)).toBe(10)
})

test('the highest priority is claimed first, and among equals the lowest number', () => {
  setPriority(3, 2)
  setPriority(40, 7)
  setPriority(70, 2)
  enable(M, 3, 40, 70)
  for (const source of [70, 3, 40]) plic.line(source).set(true)
  expect([claim(M), claim(M), claim(M), claim(M)]).toEqual([40, 3, 70, 0])
})

test('the threshold masks the output and not the claim; priority 0 never interrupts', () => {
  enable(S, 5)
  plic.line(5).set(true)
  expect([outputs[S], claim(S)]).toEqual([false, 0])
  setPriority(5, 3)
  setThreshold(S, 3)
  expect(outputs[S]).toBe(false)
  setThreshold(S, 2)
  expect(outputs[S]).toBe(true)
  setThreshold(S, 7)
  expect(claim(S)).toBe(5)
})

test('one source may be enabled in two contexts; the first claim wins', () => {
  setPriority(5, 1)
  enable(M, 5)
  enable(S, 5)
  plic.line(5).set(true)
  expect(outputs).toEqual([true, true])
  expect([claim(S), claim(M)]).toEqual([5, 0])
  expect(outputs).toEqual([false, false])
})

test('a completion from a context where the source is not enabled is ignored', () => {
  setPriority(5, 1)
  enable(S, 5)
  plic.line(5).set(true)
  claim(S)
  complete(M, 5)
  expect(outputs[S]).toBe(false)
  complete(S, 5)
  expect(outputs[S]).toBe(true)
})

test('bits that do not exist read as zero', () => {
  plic.write(0x2000, 4, 0xffff_ffff)
  plic.write(0x200c, 4, 0xffff_ffff)
  plic.write(4, 4, 0xffff_ffff)
  plic.write(0, 4, 7)
  expect(plic.read(0x2000, 4)).toBe(0xffff_fffe)
  expect(plic.read(0x200c, 4)).toBe(1)
  expect([plic.read(4, 4), plic.read(0, 4)]).toEqual([7, 0])
})

test('a source outside the PLIC cannot be wired', () => {
  expect(() => plic.line(97)).toThrow(expect.objectContaining({ code: 'plic.source' }))
})
