/** What timeout(1) returns when it had to end a program. */
export const TIMED_OUT = 124
