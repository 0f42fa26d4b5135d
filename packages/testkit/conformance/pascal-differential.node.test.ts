import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compilePascal, type OutputStream, runProgram } from '@doppel/pcode'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateProgram } from './pascal/generator.ts'

/** Programs compared in a run; seeds from 1. */
const PROGRAMS = Number(process.env.DOPPEL_PASCAL_PROGRAMS ?? 60)

const run = promisify(execFile)
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-pascal-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** What Free Pascal's program writes. */
async function freePascal(text: string, name: string): Promise<string> {
  const source = join(folder, `${name}.pas`)
  await writeFile(source, text)
  await run('fpc', ['-Miso', '-O1', '-v0', `-o${join(folder, name)}`, source], { cwd: folder })
  return (await run(join(folder, name), { cwd: folder })).stdout
}

async function ours(text: string, engine: 'interpreter' | 'translator', checks: boolean): Promise<string> {
  const { program, diagnostics } = compilePascal(text, { checks })
  expect(diagnostics).toEqual([])
  if (program === undefined) throw new Error('there is no program')
  const written: Uint8Array[] = []
  const output: OutputStream = { write: bytes => void written.push(bytes.slice()) }
  const files = { reset: () => undefined, rewrite: () => output }
  const { problem, trace } = await runProgram(program, { files, engine })
  if (problem) written.push(new TextEncoder().encode(`${problem.message} at line ${trace[0]?.line}`))
  return Buffer.concat(written).toString('latin1')
}

test.each(Array.from({ length: PROGRAMS }, (_, i) => i + 1))(
  'generated program %i writes what Free Pascal has it write',
  async seed => {
    const text = generateProgram(seed)
    const expected = await freePascal(text, `p${seed}`)
    expect(await ours(text, 'translator', true)).toBe(expected)
    expect(await ours(text, 'translator', false)).toBe(expected)
    expect(await ours(text, 'interpreter', true)).toBe(expected)
  },
)
