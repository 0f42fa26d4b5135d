import { ByteWriter } from './bytes.ts'
import type { BranchHint } from './emit.ts'

function writeCustom(out: ByteWriter, name: string, body: ByteWriter): void {
  const whole = new ByteWriter()
  whole.name(name)
  whole.append(body.view())
  out.u8(0)
  out.u32(whole.length)
  out.append(whole.view())
}

/** The `metadata.code.branch_hint` section, which must stand before the code (Branch Hinting proposal). */
export function writeBranchHints(
  out: ByteWriter,
  functions: readonly { readonly index: number; readonly hints: readonly BranchHint[] }[],
): void {
  const hinted = functions.filter(f => f.hints.length > 0)
  if (hinted.length === 0) return
  const body = new ByteWriter()
  body.u32(hinted.length)
  for (const f of hinted) {
    body.u32(f.index)
    body.u32(f.hints.length)
    for (const hint of f.hints) {
      body.u32(hint.offset)
      body.u32(1)
      body.u8(hint.likely ? 1 : 0)
    }
  }
  writeCustom(out, 'metadata.code.branch_hint', body)
}

/** The `name` section's names of functions from number `first` on, seen in profiles and stack traces. */
export function writeNames(out: ByteWriter, first: number, names: readonly string[]): void {
  const map = new ByteWriter()
  map.u32(names.filter(name => name !== '').length)
  names.forEach((name, i) => {
    if (name === '') return
    map.u32(first + i)
    map.name(name)
  })
  const body = new ByteWriter()
  body.u8(1)
  body.u32(map.length)
  body.append(map.view())
  writeCustom(out, 'name', body)
}
