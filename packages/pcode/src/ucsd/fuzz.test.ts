import { DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { codefileBytes, type Line, segmentBytes } from '../../test/ucsd/assembler.ts'
import { bootSmall, ERROR_HANDLER, systemVolume } from '../../test/ucsd/small-system.ts'
import { readCodefile } from './codefile.ts'
import { disassembleCodefile } from './disassemble.ts'
import { INSTRUCTIONS } from './instructions.ts'
import { MEMORY_BYTES, Register } from './layout.ts'
import { Exit } from './emitter.ts'
import { memoryDisk } from './units/disk.ts'
import { putVolumeFile, readVolumeFile } from './volume/change.ts'
import { readDirectory } from './volume/directory.ts'
import { fileOfText, textOfFile } from './volume/text-file.ts'

const RUNS = { numRuns: 300 }
const ENDS = [Exit.budget, Exit.wait, Exit.halt] as readonly number[]
const OPCODES = INSTRUCTIONS.flatMap(row => Array.from({ length: row.opcodes }, (_, i) => row.opcode + i))

/** Bytes of code: opcodes more often than not, so that they get somewhere. */
const code = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...OPCODES) }, { weight: 1, arbitrary: fc.nat(255) }),
  {
    minLength: 1,
    maxLength: 200,
  },
)
const NOPS: readonly Line[] = Array.from({ length: 200 }, () => ['NOP'] as const)

/** Throws nothing but what says what is wrong. */
function refuses(run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof DoppelError) || !error.code.startsWith('ucsd.')) throw error
  }
}

it('code of any bytes runs to an end or its budget', () => {
  fc.assert(
    fc.property(code, fc.boolean(), (bytes, bigEndian) => {
      const outermost = { level: -1, dataWords: 20, code: [...NOPS, 'exit', ['XIT']] as Line[], jumps: [0, 7] }
      const { machine } = bootSmall({ procedures: [outermost, ERROR_HANDLER], bigEndian })
      const at = machine.register(Register.ipc)
      bytes.forEach((byte, i) => machine.setByte(at + i, byte))
      expect(ENDS).toContain(machine.step(5000))
    }),
    RUNS,
  )
})

it('memory of any content, registers and frames among it, does no harm outside', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 512 }), fc.boolean(), (pattern, bigEndian) => {
      const { machine } = bootSmall({
        procedures: [{ level: -1, dataWords: 2, code: [['NOP'], 'exit', ['XIT']] }, ERROR_HANDLER],
        bigEndian,
      })
      for (let i = 0; i < MEMORY_BYTES; i++) machine.setByte(i, pattern[i % pattern.length] as number)
      expect(ENDS).toContain(machine.step(5000))
    }),
    { numRuns: 100 },
  )
})

it('files of any bytes are codefiles or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2048 }), bytes =>
      refuses(() => void disassembleCodefile(readCodefile(bytes))),
    ),
    RUNS,
  )
})

it('codefiles with damage are disassembled or refused', () => {
  const good = codefileBytes([
    {
      number: 1,
      name: 'PROGRAM',
      code: segmentBytes(1, [{ code: [['SLDC', 1], ['LSA', 'ABC'], ['CSP', 2], 'exit', ['RBP', 0]] }]),
    },
  ])
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(damage, places => {
      const bytes = good.slice()
      for (const [at, byte] of places) bytes[at] = byte
      refuses(() => void disassembleCodefile(readCodefile(bytes)))
    }),
    RUNS,
  )
})

it('volumes with damage are read or refused', () => {
  const good = systemVolume({ procedures: [{ code: [['XIT']] }, ERROR_HANDLER] })
  const damage = fc.array(fc.tuple(fc.integer({ min: 1024, max: 1024 + 80 }), fc.nat(255)), {
    minLength: 1,
    maxLength: 8,
  })
  fc.assert(
    fc.property(damage, places => {
      const bytes = good.slice()
      for (const [at, byte] of places) bytes[at] = byte
      const disk = memoryDisk(bytes)
      refuses(() => {
        for (const { name } of readDirectory(disk).files) readVolumeFile(disk, name)
        putVolumeFile(disk, 'NEW.DATA', new Uint8Array(600))
      })
    }),
    RUNS,
  )
})

it('text comes back from a text file as it was', () => {
  const line = fc.string({ unit: fc.constantFrom(' ', ' ', 'a', 'Z', ';'), maxLength: 300 })
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 50 }), lines => {
      const text = `${lines.join('\n')}\n`
      const bytes = fileOfText(text)
      expect(bytes.length % 1024).toBe(0)
      expect(textOfFile(bytes)).toBe(text)
    }),
    RUNS,
  )
})
