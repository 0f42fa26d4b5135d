import { ClassReader } from '../class-file/bytes.ts'
import { Tag } from '../class-file/constant-pool.ts'
import type { Code } from '../class-file/code.ts'
import type { ClassFile } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import { TypeState } from './state.ts'
import { classType, isWide, type VType } from './types.ts'
import { verifyError } from './verify-error.ts'

/** Tags of verification_type_info (JVMS §4.7.4): top, int, float, double, long, null, uninitializedThis. */
const PLAIN = 'TIFDJNU'

/** The frames of a StackMapTable by offset (JVMS §4.7.4). Throws ClassFormatError, or VerifyError for bad offsets. */
export function stackMap(
  file: ClassFile,
  code: Code,
  initial: TypeState,
  starts: ReadonlySet<number>,
  where: string,
): Map<number, TypeState> {
  const frames = new Map<number, TypeState>()
  const attributes = code.attributes.filter(a => a.name === 'StackMapTable')
  if (attributes.length > 1) throw formatError('Multiple StackMapTable attributes', where)
  const [attribute] = attributes
  if (!attribute) return frames
  const reader = new ClassReader(file.bytes, attribute.start, attribute.start + attribute.length)
  // Offsets are looked at when the whole table has turned out to be one.
  let misplaced: JavaProblem | undefined
  const bad = (): never => {
    throw formatError('bad type', where)
  }
  const type = (): VType => {
    const tag = reader.u1()
    if (tag < PLAIN.length) return PLAIN[tag] as string
    if (tag === 7) {
      const index = reader.u2()
      return file.pool.tag(index) === Tag.class ? classType(file.pool.className(index)) : bad()
    }
    if (tag !== 8) return bad()
    const offset = reader.u2()
    if (!starts.has(offset) || code.bytes[offset] !== 0xbb)
      misplaced ??= verifyError('StackMapTable error: bad offset for Uninitialized', where)
    return `u${offset}`
  }
  try {
    // Values, without the upper words.
    let locals = initial.locals.filter(t => t !== 'j' && t !== 'd')
    let at = -1
    for (let count = reader.u2(); count > 0; count--) {
      const kind = reader.u1()
      let stack: VType[] = []
      let delta: number
      if (kind < 64) delta = kind
      else if (kind < 128) {
        delta = kind - 64
        stack = [type()]
      } else if (kind < 247) throw formatError('reserved frame type', where)
      else {
        delta = reader.u2()
        if (kind === 247) stack = [type()]
        else if (kind < 251) {
          if (locals.length < 251 - kind) throw formatError('bad chop', where)
          locals = locals.slice(0, locals.length - (251 - kind))
        } else if (kind < 255) locals = [...locals, ...Array.from({ length: kind - 251 }, type)]
        else if (kind === 255) {
          locals = Array.from({ length: reader.u2() }, type)
          stack = Array.from({ length: reader.u2() }, type)
        }
      }
      at += delta + 1
      if (!starts.has(at)) misplaced ??= verifyError('StackMapTable error: bad offset', where, at)
      const words = locals.flatMap(t => (isWide(t) ? [t, t.toLowerCase()] : [t]))
      if (words.length > code.maxLocals) throw formatError('locals size exceeds max_locals', where)
      const state = new TypeState(words, stack, words.includes('U'))
      if (state.depth > code.maxStack) throw formatError('stack size exceeds max_stack', where)
      frames.set(at, state)
    }
    if (reader.at !== reader.end) throw formatError('wrong attribute size', where)
    if (misplaced) throw misplaced
  } catch (error) {
    if (error instanceof JavaProblem && error.detail?.startsWith('Truncated'))
      throw formatError('access beyond the end of attribute', where)
    throw error
  }
  return frames
}

function formatError(what: string, where: string): JavaProblem {
  return new JavaProblem('java/lang/ClassFormatError', `StackMapTable format error: ${what} in method ${where}`)
}
