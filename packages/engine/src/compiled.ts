const compiled = new WeakMap<object, Map<string, WebAssembly.Module>>()

/** Keeps what is generated at a machine's start from run to run; what it gives was made by this same program. */
export interface GeneratedStore {
  load(name: string): Uint8Array<ArrayBuffer> | undefined
  keep(name: string, bytes: Uint8Array): void
}
let store: GeneratedStore | undefined

/** Has what is generated kept, and taken from there, for all machines that are made from now on. */
export function keepGenerated(where: GeneratedStore): void {
  store = where
}

/** What `generate` makes, or what it made in an earlier run. */
export function generatedOnce(name: string, generate: () => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const known = store?.load(name)
  if (known) return known
  const bytes = generate()
  store?.keep(name, bytes)
  return bytes
}

/**
 * The module that `encode` writes, compiled once for each `key` of `owner` (an instruction set, say). Whoever
 * instantiates it again finds it compiled, and as well optimized as it has become by then. `name` says of whom it is,
 * from run to run.
 */
export function compiledOnce(
  owner: object,
  name: string,
  key: string,
  encode: () => Uint8Array<ArrayBuffer>,
): WebAssembly.Module {
  let modules = compiled.get(owner)
  if (!modules) compiled.set(owner, (modules = new Map()))
  let module = modules.get(key)
  if (!module) modules.set(key, (module = new WebAssembly.Module(generatedOnce(`${name} ${key}`, encode))))
  return module
}
