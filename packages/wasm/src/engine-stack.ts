/** A frame of the engine's own stack: its function's name (see the name section), and the byte offset in the module. */
export interface EngineFrame {
  getFunctionName(): string | null
  getPosition(): number
}

/** How errors note the stack in V8 (https://v8.dev/docs/stack-trace-api). */
interface EngineStacks {
  /** Frames that are noted at most. */
  stackTraceLimit: number
  captureStackTrace(into: object): void
  prepareStackTrace?: unknown
}
/** What notes stacks. */
export const engineStacks: EngineStacks = Error as unknown as EngineStacks

/** Reads the frames that an error, or what `captureStackTrace` was given, has noted: once for each. Does nothing elsewhere than in V8. */
export function readFrames(noted: object, read: (frames: readonly EngineFrame[]) => void): void {
  const prepare = engineStacks.prepareStackTrace
  engineStacks.prepareStackTrace = (_error: unknown, frames: readonly EngineFrame[]) => read(frames)
  try {
    // The hook runs when the property is first read.
    void (noted as { stack?: unknown }).stack
  } finally {
    engineStacks.prepareStackTrace = prepare
  }
}
