/** What the JavaScript engine can do, each found out by a tiny module or a global. */
export interface EngineFeature {
  readonly name: string
  readonly present: boolean
  /** False for what only makes doppel faster or serves later kinds of machine. */
  readonly needed: boolean
}

/** The part of the WebAssembly API used here, which TypeScript has only in its DOM library. */
const wasm = Reflect.get(globalThis, 'WebAssembly') as { validate(bytes: Uint8Array): boolean }

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
/** One type () -> (), one function of it. */
const ONE_FUNCTION = [...HEADER, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00]

/** The bytes of one module each, valid only where the feature is there (WebAssembly 3.0 §5). */
const MODULES = {
  'tail calls': [...ONE_FUNCTION, ...code([0x12, 0x00])],
  'fixed-width SIMD': [...ONE_FUNCTION, ...code([0x41, 0x00, 0xfd, 0x0f, 0x1a])],
  'relaxed SIMD': [...ONE_FUNCTION, ...code([0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x80, 0x02, 0x1a])],
  threads: [...HEADER, 0x05, 0x04, 0x01, 0x03, 0x01, 0x01],
  'garbage collection': [...HEADER, 0x01, 0x05, 0x01, 0x5f, 0x01, 0x78, 0x00],
  'exceptions with exnref': [...ONE_FUNCTION, ...code([0x1f, 0x40, 0x00, 0x0b])],
  memory64: [...HEADER, 0x05, 0x03, 0x01, 0x04, 0x01],
} as const

const NEEDED: ReadonlySet<string> = new Set(['tail calls', 'fixed-width SIMD'])

/** The code section of one function without locals. */
function code(body: readonly number[]): number[] {
  return [0x0a, body.length + 4, 0x01, body.length + 2, 0x00, ...body, 0x0b]
}

/** Probes the engine that runs this. */
export function engineFeatures(): EngineFeature[] {
  const probed = Object.entries(MODULES).map(([name, bytes]) => ({
    name,
    present: wasm.validate(new Uint8Array(bytes)),
    needed: NEEDED.has(name),
  }))
  return [...probed, { name: 'JSPI', present: 'Suspending' in wasm, needed: false }, branchHints()]
}

/** A hint section is a custom section, which every engine accepts: only the version tells whether V8 reads it. */
function branchHints(): EngineFeature {
  const [major = 0, minor = 0] = process.versions.v8.split('.').map(Number)
  return { name: 'branch hints', present: major > 13 || (major === 13 && minor >= 7), needed: false }
}
