import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../machine/memory-files.ts'
import { runProgram } from '../machine/run.ts'
import { CodeBuilder } from '../program/code-builder.ts'
import type { Program } from '../program/program.ts'
import { Row } from '../rows/p5.ts'
import { Csp } from '../rows/standard.ts'

const [FILE, POINTERS, SLOTS] = [0, 16, 6]

/** One step: makes a variable of so many bytes in a slot and writes to it, or disposes of what the slot's pointer names. */
interface Step {
  readonly slot: number
  readonly bytes: number
}

function programOf(steps: readonly Step[], checked: boolean): Program {
  const code = new CodeBuilder()
  for (const { slot, bytes } of steps) {
    const at = POINTERS + slot * 4
    if (bytes < 0) {
      code.emit(Row.ldoa, 0, at)
      code.emit(Row.ldci, 0, 8)
      code.emit(Row.csp, 0, Csp.dsp)
      continue
    }
    code.emit(Row.lao, 0, at)
    code.emit(Row.ldci, 0, bytes)
    code.emit(Row.csp, 0, Csp.new)
    code.emit(Row.ldoa, 0, at)
    code.emit(Row.ldoa, 0, at)
    code.emit(Row.indi, 0, 0)
    code.emit(Row.inca, 0, slot)
    code.emit(Row.stoi)
  }
  code.emit(Row.lao, 0, FILE)
  code.emit(Row.csp, 0, Csp.rwb)
  code.emit(Row.lao, 0, FILE)
  code.emit(Row.lao, 0, POINTERS)
  code.emit(Row.ldci, 0, SLOTS * 4)
  code.emit(Row.csp, 0, Csp.wbf)
  code.emit(Row.dmp, 0, 4)
  code.emit(Row.stp)
  const main = {
    name: 'main',
    parent: -1,
    params: [],
    paramOffsets: [],
    result: undefined,
    frameBytes: 0,
    variables: [],
  }
  return {
    name: 'heap',
    sources: [],
    routines: [{ ...main, code: code.finish() }],
    globalBytes: POINTERS + SLOTS * 4,
    globals: [],
    constants: new Uint8Array(0),
    reals: [],
    sets: [],
    tables: [],
    signatures: [],
    files: [{ name: 'pointers', offset: FILE, text: false, componentBytes: 1 }],
    fileIdBytes: 4,
    undefined: checked,
    overflow: true,
  }
}

async function outcome(program: Program, engine: 'interpreter' | 'translator', memoryBytes: number) {
  const files = memoryFiles()
  const result = await runProgram(program, { files, engine, memoryBytes, stackBytes: 1 << 12 })
  const { problem, leakedBlocks, leakedBytes } = result
  return { code: problem?.code, leakedBlocks, leakedBytes, pointers: [...files.bytes('pointers')] }
}

const step = fc.record({
  slot: fc.nat(SLOTS - 1),
  bytes: fc.oneof(fc.constant(-1), fc.constant(-1), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5000 })),
})

describe('the heap of generated code', () => {
  it('gives the same addresses, and finds the same faults, as the host’s', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, checked) => {
        const program = programOf(steps, checked)
        expect(await outcome(program, 'translator', 1 << 16)).toEqual(await outcome(program, 'interpreter', 1 << 16))
      }),
      { numRuns: 100 },
    )
  })
  it('uses what was disposed of again, and ends at the limit', async () => {
    const many = Array.from({ length: 5000 }, () => [
      { slot: 0, bytes: 100 },
      { slot: 0, bytes: -1 },
    ]).flat()
    const again = await outcome(programOf(many, false), 'translator', 1 << 12)
    expect(again).toMatchObject({ code: undefined, leakedBlocks: 0, leakedBytes: 0 })
    const kept = Array.from({ length: 100 }, () => ({ slot: 0, bytes: 100 }))
    expect(await outcome(programOf(kept, false), 'translator', 1 << 12)).toMatchObject({ code: 'pascal.heap' })
  })
})
