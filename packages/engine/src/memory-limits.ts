import type { Limits } from '@doppel/wasm'

/** A 32-bit memory has no more pages. */
export const MAX_WASM_PAGES = 65_536

/** Whether other threads may have a memory too. */
export function isShared(memory: WebAssembly.Memory): boolean {
  // Pages that are not isolated have no such buffers.
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer
}
/** The limits of the memory that generated code imports: any size; a shared one states the largest. */
export function memoryLimits(shared: boolean): Limits {
  return shared ? { min: 1, max: MAX_WASM_PAGES, shared: true } : { min: 1 }
}
