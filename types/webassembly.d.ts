/** The part of the WebAssembly JavaScript API that low packages use; TypeScript has it only in its DOM library. */
declare namespace WebAssembly {
  type ImportValue = Memory | Table | Global | number | object | ((...args: never[]) => unknown)
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>)
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, ImportValue>>)
    readonly exports: Record<string, unknown>
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean })
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number })
    readonly length: number
    get(index: number): unknown
    set(index: number, value: unknown): void
    grow(count: number): number
  }
  class RuntimeError extends Error {}
  class Exception {
    constructor(tag: unknown, payload: readonly unknown[])
    is(tag: unknown): boolean
    getArg(tag: unknown, index: number): unknown
  }
  class Global {
    constructor(descriptor: { value: string; mutable?: boolean }, value?: unknown)
    value: never
  }
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean
}
