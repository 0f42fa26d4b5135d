import { isAccess } from '../syntax/tree.ts'
import type { Span } from '../diagnostics.ts'
import type { Place } from './checked.ts'
import type { Context } from './context.ts'
import type { CallNode } from './required-rows.ts'
import { TEXT, showType } from './types.ts'

/** The file `input` or `output`, which must be a program parameter (ISO 7185 §6.10); reports where it is not. */
export function standardFile(c: Context, name: 'input' | 'output', span: Span): Place | undefined {
  const variable = c.standardFiles[name]
  if (variable === undefined) {
    if (!c.reportedFiles.has(name)) c.report('standard-file', span, name, c.programName)
    c.reportedFiles.add(name)
    return undefined
  }
  return { at: 'variable', variable, pos: span.pos, type: TEXT, isPackedComponent: false }
}

/** The file that a call names first, or the standard one where it has no argument. */
export function fileArgument(
  c: Context,
  node: CallNode,
  standard: 'input' | 'output',
  mustBeText: boolean,
): Place | undefined {
  const [first] = node.args
  if (first === undefined) return standardFile(c, standard, node)
  if (!isAccess(first.value)) {
    c.report('file-needed', first.value, c.quote(node.callee))
    return undefined
  }
  const place = c.place(first.value)
  if (place.type.kind === 'error') return undefined
  if (place.type.kind !== 'file') {
    c.report('file-needed', first.value, c.quote(node.callee))
    return undefined
  }
  if (mustBeText && !place.type.isText) {
    c.report('text-needed', first.value, c.quote(node.callee), showType(place.type))
    return undefined
  }
  return place
}
