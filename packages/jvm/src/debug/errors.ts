/** Error codes (JDWP, “Error Constants”). */
export const ERRORS = {
  INVALID_THREAD: 10,
  INVALID_THREAD_GROUP: 11,
  THREAD_NOT_SUSPENDED: 13,
  INVALID_OBJECT: 20,
  INVALID_CLASS: 21,
  INVALID_METHODID: 23,
  INVALID_LOCATION: 24,
  INVALID_FIELDID: 25,
  INVALID_FRAMEID: 30,
  OPAQUE_FRAME: 32,
  TYPE_MISMATCH: 34,
  INVALID_SLOT: 35,
  NOT_IMPLEMENTED: 99,
  ABSENT_INFORMATION: 101,
  INVALID_EVENT_TYPE: 102,
  ILLEGAL_ARGUMENT: 103,
  OUT_OF_MEMORY: 110,
  INTERNAL: 113,
  ALREADY_INVOKING: 502,
  INVALID_LENGTH: 504,
  INVALID_STRING: 506,
  INVALID_ARRAY: 508,
} as const
/** The name of one. */
export type ErrorName = keyof typeof ERRORS

/** Why a command cannot be answered: its reply’s error code. */
export class JdwpError extends Error {
  readonly code: number
  constructor(name: ErrorName) {
    super(name)
    this.code = ERRORS[name]
  }
}
