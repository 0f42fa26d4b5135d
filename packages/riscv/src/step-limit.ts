import type { DebugGoal } from '@doppel/base'

interface Stepper {
  readonly id: number
  readonly steps: number
}

/** How many steps all harts have made. */
export function totalSteps(harts: readonly Stepper[]): number {
  return harts.reduce((sum, hart) => sum + hart.steps, 0)
}

/** The own step at which a hart is to stop in a turn that begins; without bound where the goal is another's. */
export function stepLimit(goal: DebugGoal | undefined, hart: Stepper, harts: readonly Stepper[]): number {
  if (!goal) return Infinity
  if ('thread' in goal && goal.thread !== hart.id) return Infinity
  const limit = 'thread' in goal ? goal.steps : goal.total - totalSteps(harts) + hart.steps
  return limit < hart.steps ? Infinity : limit
}
