import { functionText } from '@doppel/wasm'
import type { CachedRegion } from './code-cache.ts'
import type { RegisterFile } from './layout.ts'
import type { RegisterSet } from './register-set.ts'
import type { Region, RegionBlock } from './region.ts'

/** A region as text: guest instructions by blocks, what flows between these, and the WebAssembly made of them. */
export function describeRegion(
  { root, patient, bounds, code }: CachedRegion,
  region: Region | undefined,
  files: readonly RegisterFile[],
  instruction: (offset: number) => string,
): string {
  const offsetText = (offset: number): string => `+0x${offset.toString(16)}`
  const title = `region at ${offsetText(root)} of its page${patient ? ', patient' : ''}: ${code.length} bytes of WebAssembly`
  const blocks = region?.blocks ?? []
  const flow = ({ successors, liveIn, dirtyIn, longestPath }: RegionBlock): string =>
    [
      `next ${successors.map(s => offsetText((blocks[s] as RegionBlock).offset)).join(' ') || 'leaves'}`,
      `live ${registers(liveIn, files)}`,
      `unsaved ${registers(dirtyIn, files)}`,
      `longest path ${longestPath}`,
    ].join('; ')
  const guest = blocks.flatMap(block => [
    `block ${offsetText(block.offset)}  # ${flow(block)}`,
    ...block.instructions.map(i => `  ${offsetText(i.offset).padEnd(8)}${instruction(i.offset)}`),
  ])
  // Other places may be known by now than when it was translated.
  const spans = `translated spans: ${[...bounds].map((at, i) => (i % 2 === 0 ? offsetText(at) : `-${offsetText(at)} `)).join('')}`
  return [title, spans.trimEnd(), ...guest, functionText(code)].join('\n')
}

function registers(set: RegisterSet, files: readonly RegisterFile[]): string {
  const names = files.flatMap(({ name }, file) =>
    Array.from({ length: 32 }, (_, register) => (set.has(file, register) ? [`${name}${register}`] : [])).flat(),
  )
  return names.join(' ') || 'none'
}
