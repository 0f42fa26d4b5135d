/**
 * Why `run` ended: the guest powered off or asked for a reset, reported a failure (a code the guest chose), stopped all
 * its harts for good, can only trap in its own trap handlers for ever, or `stop` was called.
 */
export type MachineEnd =
  | { readonly kind: 'poweroff' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'failure'; readonly code: number }
  | { readonly kind: 'halted' }
  | { readonly kind: 'stuck'; readonly trap: StuckTrap }
  | { readonly kind: 'stopped' }

/** The trap that a hart takes over and over: its handler's address, and the trap's CSRs (Priv. §3.1.14 to §3.1.16). */
export interface StuckTrap {
  readonly hart: number
  readonly mode: 'machine' | 'supervisor'
  readonly handler: bigint
  readonly cause: bigint
  readonly value: bigint
}
