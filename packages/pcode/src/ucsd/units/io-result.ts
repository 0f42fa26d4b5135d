/** How input or output ends: the values of IORESULT (II.0, “I/O results”). */
export const IoResult = {
  ok: 0,
  badBlock: 1,
  badUnit: 2,
  badMode: 3,
  noUnit: 9,
  writeProtected: 16,
} as const
