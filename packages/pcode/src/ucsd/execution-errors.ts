/** Execution errors, by the numbers that the system's SYSCOM has for them (II.0, “Execution errors”). */
export const ExecutionError = {
  system: 0,
  invalidIndex: 1,
  noProcedure: 2,
  exitFromUncalled: 3,
  stackOverflow: 4,
  integerOverflow: 5,
  divideByZero: 6,
  badMemory: 7,
  userBreak: 8,
  systemIo: 9,
  userIo: 10,
  unimplemented: 11,
  floatingPoint: 12,
  stringTooLong: 13,
  haltOrBreakpoint: 14,
  breakpoint: 15,
} as const
