/** The greatest integer (ISO 7185 §6.4.2.2): integers are 32 bits wide. */
export const MAXINT = 2_147_483_647

/** The greatest ordinal number of a char. */
export const MAX_CHAR = 255

/** Members of sets are ordinal numbers from 0 to this. */
export const MAX_SET_MEMBER = 255

/** How deep statements, expressions, types and routines may be nested, so that the compiler’s own stack is bounded. */
export const MAX_NESTING = 200

/** How many operators and selectors may follow one another on the way into an expression. */
export const MAX_OPERATORS = 1000

/** The largest variable in bytes. */
export const MAX_TYPE_BYTES = 0x1000_0000
/** Files taken in by one another. */
export const MAX_INCLUDES = 16
/** Characters that a string of varying length may have: its length is a byte. */
export const MAX_STRING = 255
/** Those of `string` without a length (UCSD). */
export const USUAL_STRING = 80
