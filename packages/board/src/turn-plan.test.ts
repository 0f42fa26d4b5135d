import { expect, test } from 'vitest'
import { TurnPlan } from './turn-plan.ts'

test('a seed makes one plan, another seed another, and a plan goes on where it was saved', () => {
  const drawn = (plan: TurnPlan): unknown[] =>
    Array.from({ length: 20 }, () => [plan.order([0, 1, 2]), plan.instructions(100_000)])
  const plan = new TurnPlan(7)
  expect(drawn(plan)).toEqual(drawn(new TurnPlan(7)))
  expect(drawn(new TurnPlan(8))).not.toEqual(drawn(new TurnPlan(7)))
  expect(drawn(new TurnPlan(2 ** 32 + 7))).not.toEqual(drawn(new TurnPlan(7)))
  const saved = plan.save()
  const later = drawn(plan)
  plan.restore(saved)
  expect(drawn(plan)).toEqual(later)
})

test('turns are of all magnitudes, and every order comes', () => {
  const plan = new TurnPlan(1)
  const counts = new Map<number, number>()
  const orders = new Set<string>()
  for (let i = 0; i < 3000; i++) {
    const length = plan.instructions(64_000)
    expect(length).toBeGreaterThanOrEqual(64)
    expect(length).toBeLessThanOrEqual(64_000)
    const magnitude = Math.floor(Math.log10(length / 64))
    counts.set(magnitude, (counts.get(magnitude) ?? 0) + 1)
    orders.add(plan.order([0, 1, 2]).join())
  }
  for (const count of counts.values()) expect(count).toBeGreaterThan(800)
  expect([counts.size, orders.size]).toEqual([3, 6])
  expect(plan.instructions(5)).toBe(5)
})
