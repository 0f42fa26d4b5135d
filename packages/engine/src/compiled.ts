const compiled = new WeakMap<object, Map<string, WebAssembly.Module>>()

/**
 * The module that `encode` writes, compiled once for each `key` of `owner` (an instruction set, say). Whoever
 * instantiates it again finds it compiled, and as well optimized as it has become by then.
 */
export function compiledOnce(owner: object, key: string, encode: () => Uint8Array<ArrayBuffer>): WebAssembly.Module {
  let modules = compiled.get(owner)
  if (!modules) compiled.set(owner, (modules = new Map()))
  let module = modules.get(key)
  if (!module) modules.set(key, (module = new WebAssembly.Module(encode())))
  return module
}
