/** Exception codes of mcause and scause (Priv. Table "mcause"). */
export const Cause = {
  instructionMisaligned: 0,
  instructionAccess: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  ecallFromU: 8,
  ecallFromS: 9,
  ecallFromM: 11,
  instructionPageFault: 12,
  loadPageFault: 13,
  storePageFault: 15,
  /** Not the hardware's: a debugger watches what the instruction would access. */
  watched: 64,
} as const

/** Bits of mip and mie (Priv. §3.1.9). */
export const Irq = { ssi: 1, msi: 3, sti: 5, mti: 7, sei: 9, mei: 11 } as const

/** What an instruction asks of the host through `system`; the number travels in the low byte. */
export const System = {
  csrRead: 0,
  csrWrite: 1,
  csrSet: 2,
  csrClear: 3,
  ecall: 4,
  ebreak: 5,
  sret: 6,
  mret: 7,
  wfi: 8,
  sfenceVma: 9,
  fenceI: 10,
  orderInvalidations: 11,
} as const
