const PAGE_BYTES = 4096
const PAGE_OFFSET = 0xfff

/** An address of two 32-bit halves, as generated code hands it over. */
export function address64(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}
/** The halves of an address, as signed numbers. */
export function halves(address: bigint): { low: number; high: number } {
  return { low: Number(BigInt.asIntN(32, address)), high: Number(BigInt.asIntN(32, address >> 32n)) }
}
/** The beginning of the next page. */
export function nextPage(low: number, high: number): { low: number; high: number } {
  const next = ((low & ~PAGE_OFFSET) + PAGE_BYTES) | 0
  return { low: next, high: next === 0 ? (high + 1) | 0 : high }
}
