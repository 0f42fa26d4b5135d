import { compiledOnce, isShared, memoryLimits } from '@doppel/engine'
import { Arena, ModuleBuilder, type Node, Op } from '@doppel/wasm'
import { FLOAT_TYPES } from './float-runtime.ts'
import { hasFusedMultiplyAdd } from './float-fused.ts'
import { FastFunction } from './float-writer.ts'

/**
 * Floating point at the host's speed where that is exact: the host rounds to nearest even as we do, so a normal result is
 * right, and what remains is whether it was inexact. Once NX is set that no longer matters; before, the error is computed
 * (error-free transformations: Knuth's sum, Dekker's product). Everything else goes to the exact functions.
 */

const RNE = 0
const RTZ = 1

/** Exponent fields far enough from both ends that no helper product over- or underflows. */
const SAFE = { low: 600, high: 1500 } as const
const NORMAL = { low: 2, high: 0x7fd } as const

const sum =
  (op: number): ((w: FastFunction) => void) =>
  w => {
    const a = w.f64(0)
    const given = w.f64(1)
    const b = op === Op.f64Sub ? w.let(w.op(Op.f64Neg, given())) : given
    const result = w.let(w.op(Op.f64Add, a(), b()))
    const bits = w.let(w.bits64(result()))
    w.when(w.and(w.exponentIn(bits(), NORMAL.low, NORMAL.high), w.rounds(RNE)), () =>
      w.finish(bits, () => w.op(Op.i32Eqz, w.isZero(w.sumError(a, b, result)))),
    )
    // A zero sum is always exact.
    w.when(w.and(w.isZero(result()), w.rounds(RNE)), () => w.fn.return(bits()))
    w.slow()
  }

/** An operation whose inexactness shows by multiplying back, with operands in the safe range. */
const product =
  (op: number): ((w: FastFunction) => void) =>
  w => {
    const a = w.f64(0)
    const b = w.f64(1)
    const result = w.let(w.op(op, a(), b()))
    const bits = w.let(w.bits64(result()))
    w.when(w.and(w.exponentIn(bits(), NORMAL.low, NORMAL.high), w.rounds(RNE)), () => {
      w.when(w.inexactKnown, () => w.fn.return(bits()))
      const safe = [bits, a, b].map((v, i) => w.exponentIn(i === 0 ? v() : w.bits64(v()), SAFE.low, SAFE.high))
      w.when(w.and(...safe), () => {
        const [left, right, whole] = op === Op.f64Mul ? [a, b, result] : [result, b, a]
        const back = w.let(w.op(Op.f64Mul, left(), right()))
        const lost = w.op(Op.i32Eqz, w.isZero(w.productError(left, right, back)))
        w.finish(bits, () => w.op(Op.i32Or, lost, w.op(Op.f64Ne, back(), whole())))
      })
    })
    // A zero from a zero is exact; zero times infinity and zero by zero are NaNs.
    const zero = op === Op.f64Mul ? w.op(Op.i32Or, w.isZero(a()), w.isZero(b())) : w.isZero(a())
    w.when(w.and(zero, w.isZero(result())), () => w.fn.return(bits()))
    w.slow()
  }

const squareRoot = (w: FastFunction): void => {
  const a = w.f64(0)
  const result = w.let(w.op(Op.f64Sqrt, a()))
  const bits = w.let(w.bits64(result()))
  w.when(w.and(w.exponentIn(w.operand(0), SAFE.low, SAFE.high), w.rounds(RNE), w.ordered(result)), () => {
    const back = w.let(w.op(Op.f64Mul, result(), result()))
    const lost = w.op(Op.i32Eqz, w.isZero(w.productError(result, result, back)))
    w.finish(bits, () => w.op(Op.i32Or, lost, w.op(Op.f64Ne, back(), a())))
  })
  w.slow()
}

/** a·b + c with the host's fused operation; its error is what remains of the exact sum of three parts. */
const fused = (w: FastFunction): void => {
  const [a, b, c] = [w.f64(0), w.f64(1), w.f64(2)]
  const madd = (x: Node, y: Node, z: Node): Node => {
    const splat = (v: Node): Node => w.op(Op.f64x2Splat, v)
    return w.op(Op.f64x2ExtractLane, w.op(Op.f64x2RelaxedMadd, splat(x), splat(y), splat(z)))
  }
  const result = w.let(madd(a(), b(), c()))
  const bits = w.let(w.bits64(result()))
  w.when(w.and(w.exponentIn(bits(), NORMAL.low, NORMAL.high), w.rounds(RNE)), () => {
    w.when(w.inexactKnown, () => w.fn.return(bits()))
    const safe = [result, a, b].map(v => w.exponentIn(w.bits64(v()), SAFE.low, SAFE.high))
    w.when(w.and(...safe), () => {
      const whole = w.let(w.op(Op.f64Mul, a(), b()))
      const low = w.let(madd(a(), b(), w.op(Op.f64Neg, whole())))
      const total = w.let(w.op(Op.f64Add, whole(), c()))
      const totalError = w.let(w.sumError(whole, c, total))
      const rest = w.let(w.op(Op.f64Add, low(), totalError()))
      const restError = w.sumError(low, totalError, rest)
      const remainder = w.op(Op.f64Add, w.op(Op.f64Sub, total(), result()), rest())
      w.finish(bits, () => w.op(Op.i32Eqz, w.and(w.isZero(restError), w.isZero(remainder))))
    })
  })
  w.slow()
}

const selection =
  (less: number, greater: number, float: 'f32' | 'f64'): ((w: FastFunction) => void) =>
  w => {
    const [a, b] = [w[float](0), w[float](1)]
    w.when(w.op(less, a(), b()), () => w.fn.return(w.operand(0)))
    w.when(w.op(greater, a(), b()), () => w.fn.return(w.operand(1)))
    w.slow()
  }

const comparison =
  (op: number, equal: number, float: 'f32' | 'f64'): ((w: FastFunction) => void) =>
  w => {
    const [a, b] = [w[float](0), w[float](1)]
    w.when(w.and(w.op(equal, a(), a()), w.op(equal, b(), b())), () =>
      w.fn.return(w.op(Op.i64ExtendI32U, w.op(op, a(), b()))),
    )
    w.slow()
  }

/** Integer ranges that conversions may be fast in: 64-bit ones a little short of their ends. */
const INTEGER_RANGE = {
  w: { low: [0x80000000 | 0, -1], high: [0x7fffffff, 0] },
  wu: { low: [0, 0], high: [-1, 0] },
  l: { low: [0, -0x40000000], high: [0, 0x40000000] },
  lu: { low: [0, 0], high: [0, 0x40000000] },
} as const

const toInteger =
  (name: keyof typeof INTEGER_RANGE, float: 'f32' | 'f64'): ((w: FastFunction) => void) =>
  w => {
    const value = float === 'f64' ? w.f64(0) : w.let(w.op(Op.f64PromoteF32, w.f32(0)()))
    const known = w.op(Op.i32LeU, w.fn.get(w.rounding), w.fn.i32(RTZ))
    w.when(w.and(w.ordered(value), known), () => {
      const nearest = w.op(Op.f64Nearest, value())
      const rounded = w.let(w.fn.select(w.rounds(RNE), nearest, w.op(Op.f64Trunc, value())))
      const integer = w.let(w.op(Op.i64TruncSatF64S, rounded()))
      const { low, high } = INTEGER_RANGE[name]
      const above = w.op(Op.i64GeS, integer(), w.fn.i64(low[0], low[1]))
      const below = w.op(Op.i64LeS, integer(), w.fn.i64(high[0], high[1]))
      w.when(w.and(above, below), () => {
        const result = name === 'wu' ? w.let(w.op(Op.i64Extend32S, integer())) : integer
        w.finish(result, () => w.op(Op.f64Ne, rounded(), value()))
      })
    })
    w.slow()
  }

const fromInteger =
  (name: keyof typeof INTEGER_RANGE, float: 'f32' | 'f64'): ((w: FastFunction) => void) =>
  w => {
    const value =
      name === 'w'
        ? w.let(w.op(Op.i64Extend32S, w.operand(0)))
        : name === 'wu'
          ? w.let(w.op(Op.i64And, w.operand(0), w.fn.i64(-1, 0)))
          : w.let(w.operand(0))
    // Up to 2^53 a double holds every integer.
    const wide = w.op(Op.i64Add, value(), w.fn.i64(0, 1 << 20))
    const exact = w.op(Op.i64LtU, wide, w.fn.i64(0, 1 << 21))
    const unsigned = name === 'lu' ? w.op(Op.i64GeS, value(), w.fn.i64(0)) : w.fn.i32(1)
    w.when(w.and(exact, unsigned), () => {
      const double = w.let(w.op(Op.f64ConvertI64S, value()))
      if (float === 'f64') return w.fn.return(w.bits64(double()))
      const single = w.let(w.op(Op.f32DemoteF64, double()))
      const same = w.op(Op.f64Eq, w.op(Op.f64PromoteF32, single()), double())
      w.when(w.op(Op.i32Or, same, w.rounds(RNE)), () =>
        w.finish(w.let(w.bits32(single())), () => w.op(Op.f64Ne, w.op(Op.f64PromoteF32, single()), double())),
      )
    })
    w.slow()
  }

/** Exponent fields of singles, seen as doubles, at which rounding to single is plain. */
const SINGLE_NORMAL = { low: 1023 - 125, high: 1023 + 126 } as const

/** Rounds a double to single, the double being right up to an odd last bit; `inexactBefore` tells of an earlier loss. */
function roundToSingle(w: FastFunction, double: () => Node, inexactBefore?: () => Node): void {
  const normal = w.exponentIn(w.bits64(double()), SINGLE_NORMAL.low, SINGLE_NORMAL.high)
  w.when(w.and(normal, w.rounds(RNE)), () => {
    const single = w.let(w.op(Op.f32DemoteF64, double()))
    w.finish(w.let(w.bits32(single())), () => {
      const changed = w.op(Op.f64Ne, w.op(Op.f64PromoteF32, single()), double())
      return inexactBefore ? w.op(Op.i32Or, changed, inexactBefore()) : changed
    })
  })
}

/** Singles are computed as doubles: a product is then exact, and a sum rounded to odd rounds rightly once more. */
const single =
  (
    compute: (w: FastFunction, operands: (() => Node)[]) => { value: () => Node; inexact?: () => Node },
    operands: number,
  ) =>
  (w: FastFunction): void => {
    const wide = Array.from({ length: operands }, (_, i) => w.let(w.op(Op.f64PromoteF32, w.f32(i)())))
    const { value, inexact } = compute(w, wide)
    // As doubles, singles never underflow: a zero is exact.
    w.when(w.and(w.isZero(value()), w.rounds(RNE)), () => w.fn.return(w.bits32(w.op(Op.f32DemoteF64, value()))))
    roundToSingle(w, value, inexact)
    w.slow()
  }

/** A sum of doubles rounded to odd: when something was lost and the last bit is even, step towards what was lost. */
function oddSum(w: FastFunction, a: () => Node, b: () => Node): { value: () => Node; inexact: () => Node } {
  const nearest = w.let(w.op(Op.f64Add, a(), b()))
  const error = w.let(w.sumError(a, b, nearest))
  const bits = w.let(w.bits64(nearest()))
  const inexact = (): Node => w.op(Op.i32Eqz, w.isZero(error()))
  const even = w.op(Op.i64Eqz, w.op(Op.i64And, bits(), w.fn.i64(1)))
  const signs = w.op(Op.i64Xor, bits(), w.bits64(error()))
  // Away from zero when the loss has the sum's sign, towards it otherwise.
  const step = w.op(Op.i64Or, w.op(Op.i64ShrS, signs, w.fn.i64(63)), w.fn.i64(1))
  const adjust = w.fn.select(w.and(inexact(), even), step, w.fn.i64(0))
  const odd = w.op(Op.f64ReinterpretI64, w.op(Op.i64Add, bits(), adjust))
  return { value: w.let(odd), inexact }
}

const negated = (w: FastFunction, v: () => Node): (() => Node) => w.let(w.op(Op.f64Neg, v()))
type Wide = readonly (() => Node)[]
const at = (v: Wide, i: number): (() => Node) => v[i] as () => Node

const INTEGER_NAMES = ['w', 'wu', 'l', 'lu'] as const

/** The functions that have a fast way, by the names of `FLOAT_OPERATIONS`. */
const FAST: Readonly<Record<string, (w: FastFunction) => void>> = {
  'f64.add': sum(Op.f64Add),
  'f64.sub': sum(Op.f64Sub),
  'f64.mul': product(Op.f64Mul),
  'f64.div': product(Op.f64Div),
  'f64.sqrt': squareRoot,
  'f64.min': selection(Op.f64Lt, Op.f64Gt, 'f64'),
  'f64.max': selection(Op.f64Gt, Op.f64Lt, 'f64'),
  'f64.eq': comparison(Op.f64Eq, Op.f64Eq, 'f64'),
  'f64.lt': comparison(Op.f64Lt, Op.f64Eq, 'f64'),
  'f64.le': comparison(Op.f64Le, Op.f64Eq, 'f64'),
  'f32.add': single((w, v) => oddSum(w, at(v, 0), at(v, 1)), 2),
  'f32.sub': single((w, v) => oddSum(w, at(v, 0), negated(w, at(v, 1))), 2),
  'f32.mul': single((w, v) => ({ value: w.let(w.op(Op.f64Mul, at(v, 0)(), at(v, 1)())) }), 2),
  'f32.fma': single((w, v) => oddSum(w, w.let(w.op(Op.f64Mul, at(v, 0)(), at(v, 1)())), at(v, 2)), 3),
  'f32.min': selection(Op.f32Lt, Op.f32Gt, 'f32'),
  'f32.max': selection(Op.f32Gt, Op.f32Lt, 'f32'),
  'f32.eq': comparison(Op.f32Eq, Op.f32Eq, 'f32'),
  'f32.lt': comparison(Op.f32Lt, Op.f32Eq, 'f32'),
  'f32.le': comparison(Op.f32Le, Op.f32Eq, 'f32'),
  // Quotients and roots of singles are never exact halfway cases of a double, so a double's rounding is harmless.
  'f32.div': single((w, v) => {
    const value = w.let(w.op(Op.f64Div, at(v, 0)(), at(v, 1)()))
    return { value, inexact: () => w.op(Op.f64Ne, w.op(Op.f64Mul, value(), at(v, 1)()), at(v, 0)()) }
  }, 2),
  'f32.sqrt': single((w, v) => {
    const value = w.let(w.op(Op.f64Sqrt, at(v, 0)()))
    return { value, inexact: () => w.op(Op.f64Ne, w.op(Op.f64Mul, value(), value()), at(v, 0)()) }
  }, 1),
  'f64.to.f32': w => {
    const value = w.f64(0)
    w.when(w.isZero(value()), () => w.fn.return(w.bits32(w.op(Op.f32DemoteF64, value()))))
    roundToSingle(w, value)
    w.slow()
  },
  'f32.to.f64': w => {
    const value = w.let(w.op(Op.f64PromoteF32, w.f32(0)()))
    w.when(w.ordered(value), () => w.fn.return(w.bits64(value())))
    w.slow()
  },
  ...Object.fromEntries(
    (['f32', 'f64'] as const).flatMap(float =>
      INTEGER_NAMES.flatMap(name => [
        [`${float}.to.${name}`, toInteger(name, float)],
        [`${float}.from.${name}`, fromInteger(name, float)],
      ]),
    ),
  ),
}

function encode(fast: typeof FAST, memory: WebAssembly.Memory): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const arena = new Arena()
  const imported = Object.entries(FLOAT_TYPES).map(
    ([name, type]) => [name, module.importFunction('exact', name, type)] as const,
  )
  module.importMemory('engine', 'memory', memoryLimits(isShared(memory)))
  for (const [name, exact] of imported) {
    const write = fast[name]
    if (!write) {
      module.export(name, 'func', exact.index)
      continue
    }
    const declared = module.declare(name, exact.type)
    const fn = module.build(declared, arena)
    write(new FastFunction(fn, exact))
    module.finish(fn)
    module.export(name, 'func', declared.index)
  }
  return module.encode()
}

/** The run-time module: fast functions over the given exact ones. */
export function linkFastFloat(
  exact: Readonly<Record<string, WebAssembly.ImportValue>>,
  memory: WebAssembly.Memory,
): Record<string, WebAssembly.ImportValue> {
  const isFused = hasFusedMultiplyAdd()
  const key = `fast${isShared(memory) ? ', shared' : ''}${isFused ? ', fused' : ''}`
  const compiled = compiledOnce(FAST, 'riscv', key, () =>
    encode(isFused ? { ...FAST, 'f64.fma': fused } : FAST, memory),
  )
  return new WebAssembly.Instance(compiled, { exact, engine: { memory } }).exports as Record<
    string,
    WebAssembly.ImportValue
  >
}
