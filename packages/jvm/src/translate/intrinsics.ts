import { type Node, Op } from '@doppel/wasm'
import type { Frame } from './frame.ts'
import { OBJ, TABLE } from './types.ts'

/** Code in place of a call; operands have been evaluated, the receiver is not null. */
export type Intrinsic = (frame: Frame, args: readonly Node[]) => Node

const rows: (readonly [string, Intrinsic])[] = []
const op = (name: string, wasm: number): void => {
  rows.push([name, (f, args) => f.fn.op(wasm, ...(args as [Node]))])
}
op('java/lang/Math.sqrt(D)D', Op.f64Sqrt)
op('java/lang/StrictMath.sqrt(D)D', Op.f64Sqrt)
op('java/lang/Math.abs(D)D', Op.f64Abs)
op('java/lang/Math.floor(D)D', Op.f64Floor)
op('java/lang/Math.ceil(D)D', Op.f64Ceil)
op('java/lang/Math.rint(D)D', Op.f64Nearest)
op('java/lang/Math.min(DD)D', Op.f64Min)
op('java/lang/Math.max(DD)D', Op.f64Max)
op('java/lang/Math.min(FF)F', Op.f32Min)
op('java/lang/Math.max(FF)F', Op.f32Max)
op('java/lang/Float.floatToRawIntBits(F)I', Op.i32ReinterpretF32)
op('java/lang/Float.intBitsToFloat(I)F', Op.f32ReinterpretI32)
op('java/lang/Double.doubleToRawLongBits(D)J', Op.i64ReinterpretF64)
op('java/lang/Double.longBitsToDouble(J)D', Op.f64ReinterpretI64)
op('java/lang/Integer.numberOfLeadingZeros(I)I', Op.i32Clz)
op('java/lang/Integer.numberOfTrailingZeros(I)I', Op.i32Ctz)
op('java/lang/Integer.bitCount(I)I', Op.i32Popcnt)
op('java/lang/Integer.rotateLeft(II)I', Op.i32Rotl)
op('java/lang/Integer.rotateRight(II)I', Op.i32Rotr)
const wide = (name: string, wasm: number): void => {
  rows.push([name, (f, [a]) => f.fn.op(Op.i32WrapI64, f.fn.op(wasm, a))])
}
wide('java/lang/Long.numberOfLeadingZeros(J)I', Op.i64Clz)
wide('java/lang/Long.numberOfTrailingZeros(J)I', Op.i64Ctz)
wide('java/lang/Long.bitCount(J)I', Op.i64Popcnt)
const support = (name: string, fn: string): void => {
  rows.push([name, (f, args) => f.support(fn, ...args)])
}
support('java/lang/System.arraycopy(Ljava/lang/Object;ILjava/lang/Object;II)V', 'arraycopy')
support('java/lang/System.identityHashCode(Ljava/lang/Object;)I', 'identityHash')
support('java/lang/Object.getClass()Ljava/lang/Class;', 'getMirror')
// The library's own is a last place off where OpenJDK's compiled one is right.
support('java/lang/Math.exp(D)D', 'exp')
rows.push(['java/lang/Thread.currentThread()Ljava/lang/Thread;', f => f.gc.tableGet(TABLE.refs, OBJ, f.fn.i32(0))])

/** Methods that are code of our own wherever they are called without dispatch, by class, name and descriptor. */
export const INTRINSICS: ReadonlyMap<string, Intrinsic> = new Map(rows)
