/** Why generated code returned to the host; every exit has stored pc and budget. */
export const Exit = {
  /** Go on at pc: only ever seen by the interpreter, from a region. */
  goOn: 0,
  /** The slice's instructions are used up. */
  budget: 1,
  /** No fetch entry for the page of pc. */
  fetch: 2,
  /** Take the exception in cause and tval; pc is its instruction. */
  exception: 3,
  /** An instruction completed that may have changed what runs next (privilege, interrupts, paging, code). */
  leave: 4,
  /** The slice is too near its end for this region: interpret instead. Only ever seen by the interpreter. */
  short: 5,
  /** Run the instruction at pc without translated code: it is not the usual case. Only ever seen by the interpreter. */
  resume: 6,
  /** An instruction completed that changed how memory is seen: go on at pc with nothing of it kept. Only seen by the engine. */
  refetch: 7,
  /** A debugger's breakpoint stands at pc, whose instruction has not run. */
  breakpoint: 8,
} as const

/** What a host function asks of the code that called it. */
export const Request = {
  none: 0,
  /** Do not complete the instruction: take the exception in cause and tval. */
  exception: 1,
  /** Complete the instruction, then leave at the next one. */
  leaveAfter: 2,
  /** Leave now, at the pc the host has stored. */
  leaveNow: 3,
  /** Complete the instruction, then go on with nothing kept of how memory was seen. */
  refetch: 4,
} as const
