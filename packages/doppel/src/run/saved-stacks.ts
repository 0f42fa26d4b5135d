import type { HartStack } from '@doppel/monitor'

/** Stacks as JSON has them: addresses and counts are texts, since JSON has no numbers of 64 bits. */
export type SavedStacks = readonly (Omit<HartStack, 'retired' | 'frames'> & {
  readonly retired: string
  readonly frames: readonly (Omit<HartStack['frames'][number], 'address'> & { readonly address: string })[]
})[]

/** Stacks for JSON. */
export function savedStacks(stacks: readonly HartStack[]): SavedStacks {
  return stacks.map(stack => ({
    ...stack,
    retired: stack.retired.toString(),
    frames: stack.frames.map(frame => ({ ...frame, address: `0x${frame.address.toString(16)}` })),
  }))
}

/** What `savedStacks` was given. */
export function restoredStacks(saved: unknown): HartStack[] {
  return (saved as SavedStacks).map(stack => ({
    ...stack,
    retired: BigInt(stack.retired),
    frames: stack.frames.map(frame => ({ ...frame, address: BigInt(frame.address) })),
  }))
}
