import { Problem } from '../machine/problem.ts'
import { UNDEFINED_WORD } from '../program/program.ts'
import type { Runtime } from '../machine/runtime.ts'
import { type StandardRow, served } from './standard-row.ts'

type TagName = 'tag' | 'nwt' | 'dst' | 'dsc' | 'cta' | 'ctp' | 'cvb' | 'cvu'

/** Tags that one variable may be made with. */
const MAX_TAGS = 256

/** The variant that a tag's value selects, by a table of P5: how many values, the least of them, a variant for each. */
function variantOf(rt: Runtime, table: number, value: number): number | undefined {
  const index = value - rt.memory.word(table + 4)
  return index < 0 || index >= rt.memory.word(table) ? undefined : rt.memory.word(table + 8 + index * 4)
}
/** Takes the tags pushed since the last variable was made, in the order that the program wrote them. */
function takeTags(rt: Runtime): number[] {
  return rt.pushedTags.splice(0).reverse()
}

/** Variables made with the tags of their variants (ISO 7185 6.6.5.3), and changes of tags, as P5's code checks them. */
export const tagStandard: Readonly<Record<TagName, StandardRow>> = {
  tag: served('i ->', 'Notes a tag for nwt or dst; the last is noted first.', (rt, value) => {
    if (rt.pushedTags.length >= MAX_TAGS) throw new Problem('heap')
    rt.pushedTags.push(value)
  }),
  nwt: served('i i ->', 'As new, with the tags noted.', (rt, to, bytes) => {
    const address = rt.heap.allocate(bytes)
    rt.tags.set(address, takeTags(rt))
    rt.memory.setWord(to, address)
  }),
  dst: served('i i ->', 'As dsp, with the tags noted, which must be those of nwt.', (rt, pointer, bytes) => {
    const given = takeTags(rt)
    if (rt.heap.state(pointer) === 'live' && (rt.tags.get(pointer) ?? []).join() !== given.join())
      throw new Problem('tag')
    if (rt.isReferred(pointer, pointer + bytes - 1)) throw new Problem('dangling')
    rt.heap.free(pointer)
    rt.tags.delete(pointer)
  }),
  dsc: served('i i ->', 'As dsp, unless something refers to the variable.', (rt, pointer, bytes) => {
    if (rt.isReferred(pointer, pointer + bytes - 1)) throw new Problem('dangling')
    rt.heap.free(pointer)
    rt.tags.delete(pointer)
  }),
  cta: served(
    'i i i i i ->',
    'Traps if a tag would change that the variable was made with.',
    (rt, at, value, offset, n, table) => {
      const fixed = rt.tags.get(at - offset)?.[n - 1]
      const variant = variantOf(rt, table, value)
      if (fixed === undefined) return
      if (variant === undefined) throw new Problem('range', [value, rt.memory.word(table + 4), value - 1])
      if (variant !== fixed) throw new Problem('tag')
    },
  ),
  ctp: served('i ->', 'Traps if the whole of a variable made with tags is used.', (rt, pointer) => {
    if ((rt.tags.get(pointer)?.length ?? 0) > 0) throw new Problem('tag')
  }),
  cvu: served(
    'i i i i i i ->',
    'Takes its values from a variant, so many bytes some way beyond its tag, when the tag is about to change to another one.',
    (rt, at, value, offset, bytes, table, tagBytes) => {
      const old = tagBytes === 4 ? rt.memory.word(at) : rt.memory.byte(at)
      const [from, to] = [variantOf(rt, table, old), variantOf(rt, table, value)]
      if (from === undefined || from === to) return
      const first = (at + offset + 3) & -4
      const end = (at + offset + bytes) & -4
      if (end > first) rt.memory.fill(first, end - first, UNDEFINED_WORD)
    },
  ),
  cvb: served(
    'i i i i i i ->',
    'Traps if a variant changes in which something is referred to.',
    (rt, at, value, offset, bytes, table, tagBytes) => {
      const old = tagBytes === 4 ? rt.memory.word(at) : rt.memory.byte(at)
      const [from, to] = [variantOf(rt, table, old), variantOf(rt, table, value)]
      if (from === undefined || from === to) return
      if (rt.isReferred(at + offset, at + offset + bytes - 1)) throw new Problem('variant')
    },
  ),
}
