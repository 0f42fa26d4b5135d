import { setFlagsFromString } from 'node:v8'

/** Address space for the stack of a program: some hundred thousand calls. Pages are taken as they are touched. */
const STACK_KILOBYTES = 256 * 1024

/**
 * Lets programs recurse deeply. V8 gives each stack that can be suspended what both flags allow when it is made; the limit of
 * a thread's own stack was read when the thread began and stays.
 */
export function allowDeepStacks(): void {
  setFlagsFromString(`--stack-size=${STACK_KILOBYTES}`)
  setFlagsFromString(`--wasm-stack-switching-stack-size=${STACK_KILOBYTES}`)
}
