import { I32, ModuleBuilder, type Node, Op } from '@doppel/wasm'

let known: boolean | undefined

/** Whether the host's relaxed multiply-add is fused: it may or may not be (Relaxed SIMD proposal), and may be missing. */
export function hasFusedMultiplyAdd(): boolean {
  known ??= probe()
  return known
}

function probe(): boolean {
  const module = new ModuleBuilder()
  const declared = module.declare('probe', { kind: 'func', params: [], results: [I32] })
  const fn = module.build(declared)
  const splat = (high: number, low: number): Node => fn.op(Op.f64x2Splat, fn.f64Bits(low, high))
  // (1 + 2^-30)² - (1 + 2^-29) is 2^-60 fused, and 0 when the product is rounded first.
  const near = (): Node => splat(0x3ff00000, 1 << 22)
  const madd = fn.op(Op.f64x2RelaxedMadd, near(), near(), splat(0xbff00000 | 0, 1 << 23))
  fn.return(fn.op(Op.f64Ne, fn.op(Op.f64x2ExtractLane, madd), fn.f64Bits(0, 0)))
  module.finish(fn)
  module.export('probe', 'func', declared.index)
  const bytes = module.encode()
  if (!WebAssembly.validate(bytes)) return false
  return (new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.probe as () => number)() === 1
}
