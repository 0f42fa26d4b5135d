import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

const bits = new DataView(new ArrayBuffer(8))

natives('java/lang/Float', {
  floatToRawIntBits: (_vm: Vm, value: number) => {
    bits.setFloat32(0, value)
    return bits.getInt32(0)
  },
  intBitsToFloat: (_vm: Vm, value: number) => {
    bits.setInt32(0, value)
    return bits.getFloat32(0)
  },
})
natives('java/lang/Double', {
  doubleToRawLongBits: (_vm: Vm, value: number) => {
    bits.setFloat64(0, value)
    return bits.getBigInt64(0)
  },
  longBitsToDouble: (_vm: Vm, value: bigint) => {
    bits.setBigInt64(0, value)
    return bits.getFloat64(0)
  },
})

/** IEEE 754 remainder: the quotient is rounded to even. */
function ieeeRemainder(x: number, y: number): number {
  if (!Number.isFinite(x) || Number.isNaN(y) || y === 0) return NaN
  if (!Number.isFinite(y)) return x
  const divisor = Math.abs(y)
  let rest = Math.abs(x) % (2 * divisor)
  if (rest > divisor) rest -= 2 * divisor
  if (rest > divisor / 2) rest -= divisor
  else if (rest < -divisor / 2) rest += divisor
  return x < 0 || Object.is(x, -0) ? -rest : rest
}

// V8’s functions are ports of fdlibm, which StrictMath is defined by.
natives('java/lang/StrictMath', {
  sin: (_vm: Vm, x: number) => Math.sin(x),
  cos: (_vm: Vm, x: number) => Math.cos(x),
  tan: (_vm: Vm, x: number) => Math.tan(x),
  asin: (_vm: Vm, x: number) => Math.asin(x),
  acos: (_vm: Vm, x: number) => Math.acos(x),
  atan: (_vm: Vm, x: number) => Math.atan(x),
  log: (_vm: Vm, x: number) => Math.log(x),
  log10: (_vm: Vm, x: number) => Math.log10(x),
  sqrt: (_vm: Vm, x: number) => Math.sqrt(x),
  IEEEremainder: (_vm: Vm, x: number, y: number) => ieeeRemainder(x, y),
  atan2: (_vm: Vm, y: number, x: number) => Math.atan2(y, x),
  sinh: (_vm: Vm, x: number) => Math.sinh(x),
  cosh: (_vm: Vm, x: number) => Math.cosh(x),
  tanh: (_vm: Vm, x: number) => Math.tanh(x),
  expm1: (_vm: Vm, x: number) => Math.expm1(x),
  log1p: (_vm: Vm, x: number) => Math.log1p(x),
})
