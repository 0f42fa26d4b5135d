/** Exceptions by code (Priv. Table "mcause"). */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  0: 'instruction address misaligned',
  1: 'instruction access fault',
  2: 'illegal instruction',
  3: 'breakpoint',
  4: 'load address misaligned',
  5: 'load access fault',
  6: 'store address misaligned',
  7: 'store access fault',
  8: 'environment call from U-mode',
  9: 'environment call from S-mode',
  11: 'environment call from M-mode',
  12: 'instruction page fault',
  13: 'load page fault',
  15: 'store page fault',
}
/** Interrupts by code. */
const INTERRUPTS: Readonly<Record<number, string>> = {
  1: 'supervisor software',
  3: 'machine software',
  5: 'supervisor timer',
  7: 'machine timer',
  9: 'supervisor external',
  11: 'machine external',
}

/** The name of an exception's or an interrupt's code. */
export function causeName(cause: number, isInterrupt = false): string {
  return (isInterrupt ? INTERRUPTS : EXCEPTIONS)[cause] ?? `${isInterrupt ? 'interrupt' : 'trap'} ${cause}`
}
