import { FlatMemory, PAGE_BYTES } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Checkpoints, MAX_CHECKPOINTS, MAX_FINE_CHECKPOINTS } from './checkpoints.ts'

const BASE = 0x8000_0000
const PAGES = 6

/** A machine whose whole run is known: at each step it writes one byte, and its moment is how many steps it has made. */
class Counter {
  readonly memory = new FlatMemory(BASE, PAGES * PAGE_BYTES)
  step = 0
  readonly #dirty = new Set<number>()
  readonly #writes: readonly (readonly [page: number, value: number])[]

  constructor(writes: readonly (readonly [page: number, value: number])[]) {
    this.#writes = writes
  }
  *touchedPages(): Generator<readonly [number, Uint8Array]> {
    for (let page = 0; page < PAGES; page++) {
      const bytes = this.memory.bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
      if (bytes.some(byte => byte !== 0)) yield [page, bytes]
    }
  }
  dirtyPages(): () => Iterable<number> {
    return () => {
      const found = [...this.#dirty]
      this.#dirty.clear()
      return found
    }
  }
  runPages(): Iterable<number> {
    return []
  }
  moment(): number {
    return this.step
  }
  returnTo(moment: number): void {
    this.step = moment
  }
  steps(): readonly number[] {
    return [this.step]
  }
  go(): void {
    const [page, value] = this.#writes[this.step++ % this.#writes.length] as readonly [number, number]
    this.#dirty.add(page)
    this.memory.write(BASE + page * PAGE_BYTES + (this.step % 7), Uint8Array.of(value))
  }
}

const write = fc.tuple(fc.nat(PAGES - 1), fc.nat(2))
const act = fc.oneof(
  fc.record({ kind: fc.constant('run' as const), steps: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('take' as const), isFine: fc.boolean() }),
  fc.record({ kind: fc.constant('return' as const), which: fc.nat(20) }),
)

test('memory is at each checkpoint what it was there, in whatever order they are made, thinned out and returned to', () => {
  fc.assert(
    fc.property(fc.array(write, { minLength: 1, maxLength: 40 }), fc.array(act, { maxLength: 120 }), (writes, acts) => {
      const machine = new Counter(writes)
      const checkpoints = new Checkpoints(machine)
      const known = new Map<number, string>()
      const picture = (): string => machine.memory.bytes.toHex()
      for (const each of acts) {
        if (each.kind === 'run') for (let i = 0; i < each.steps; i++) machine.go()
        else if (each.kind === 'take') {
          checkpoints.take(undefined, { isFine: each.isFine })
          known.set(machine.step, picture())
        } else if (checkpoints.list.length > 0) {
          const to = checkpoints.list[each.which % checkpoints.list.length]
          if (!to) continue
          checkpoints.returnTo(to)
          expect([machine.step, picture()]).toEqual([to.at, known.get(to.at)])
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('there are so many at most: older ones stand further apart, the first stays', () => {
  const machine = new Counter([[0, 1]])
  const checkpoints = new Checkpoints(machine)
  for (let i = 0; i < 4 * MAX_CHECKPOINTS; i++) {
    checkpoints.take(undefined)
    machine.go()
  }
  const places = checkpoints.list.map(({ at }) => at)
  expect(places).toHaveLength(MAX_CHECKPOINTS)
  expect([places[0], places.at(-1)]).toEqual([0, 4 * MAX_CHECKPOINTS - 1])
  const gap = (i: number): number => (places[i + 1] as number) - (places[i] as number)
  expect(gap(0)).toBeGreaterThan(4 * gap(MAX_CHECKPOINTS - 2))
  for (let i = 0; i < 2 * MAX_FINE_CHECKPOINTS; i++) {
    checkpoints.take(undefined, { isFine: true })
    machine.go()
  }
  expect(checkpoints.list).toHaveLength(MAX_CHECKPOINTS + MAX_FINE_CHECKPOINTS)
})

test('pages that stay as they are take no memory of their own', () => {
  const machine = new Counter([[0, 1]])
  const checkpoints = new Checkpoints(machine)
  for (let i = 0; i < 20; i++) {
    for (let n = 0; n < 7; n++) machine.go()
    checkpoints.take(undefined)
  }
  expect(checkpoints.heldBytes).toBe(PAGE_BYTES)
})
