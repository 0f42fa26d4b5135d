import { VirtualClock } from '@doppel/base'
import { bootSystem } from '../../src/ucsd/boot.ts'
import type { PMachine } from '../../src/ucsd/machine.ts'
import { memoryDisk } from '../../src/ucsd/units/disk.ts'
import type { UnitTable } from '../../src/ucsd/units/units.ts'
import { emptyVolume, putVolumeFile } from '../../src/ucsd/volume/change.ts'
import { codefileBytes, linesOf, type ProcedureSource, segmentBytes, type SegmentSource } from './assembler.ts'

/** A system of our own: the procedures of segment 0, the first of which is the system, the second hears of errors. */
export interface SystemSource {
  readonly procedures: readonly ProcedureSource[]
  readonly segments?: readonly SegmentSource[]
  readonly bigEndian?: boolean
  readonly input?: readonly string[]
  readonly isTerminal?: boolean
  readonly units?: Omit<UnitTable, 'disks'>
  readonly readOnly?: boolean
}

/** Ends with the error's number on the evaluation stack, above what was there. */
export const ERROR_HANDLER: ProcedureSource = {
  code: [
    ['LOD', 1, 1],
    ['SIND', 1],
    ['CSP', 39],
    ['RBP', 0],
  ],
}

/** A volume that boots into the given system. */
export function systemVolume({ procedures, segments = [], bigEndian = false }: SystemSource): Uint8Array {
  const system = { number: 0, name: 'PASCALSY', code: segmentBytes(0, procedures, bigEndian) }
  const bytes = emptyVolume('SMALL', 64, bigEndian)
  putVolumeFile(memoryDisk(bytes), 'SYSTEM.PASCAL', codefileBytes([system, ...segments], bigEndian))
  return bytes
}

/** Boots a system of our own, and what it writes to the console. */
export function bootSmall(source: SystemSource): { readonly machine: PMachine; readonly output: () => string } {
  let output = ''
  const pieces = [...(source.input ?? [])]
  const machine = bootSystem({
    disks: [memoryDisk(systemVolume(source), source.readOnly)],
    ...(source.units ? { units: source.units } : {}),
    clock: new VirtualClock(),
    console: {
      isTerminal: source.isTerminal ?? false,
      write: bytes => {
        output += String.fromCharCode(...bytes)
      },
      input: {
        read: () => {
          const piece = pieces.shift()
          return piece === undefined ? undefined : Uint8Array.from(piece, letter => letter.charCodeAt(0))
        },
      },
    },
  })
  return { machine, output: () => output }
}

/** The words on the evaluation stack, the top first. */
export function stackOf(machine: PMachine): number[] {
  return Array.from({ length: machine.depth }, () => machine.pop())
}

/** A system that writes `>`, then what is typed, until a Q; then it writes block 63 of its disk, and says how that ended. */
export const ECHO: SystemSource = {
  procedures: [
    {
      level: -1,
      dataWords: 300,
      jumps: [14],
      code: [
        ...linesOf('LLA 5 ; SLDC 0 ; SLDC 62 ; STB'),
        ...linesOf('SLDC 1 ; LLA 5 ; SLDC 0 ; SLDC 1 ; SLDC 0 ; SLDC 0 ; CSP 6'),
        ...linesOf('SLDC 2 ; LLA 5 ; SLDC 0 ; SLDC 1 ; SLDC 0 ; SLDC 0 ; CSP 5'),
        ...linesOf('LLA 5 ; SLDC 0 ; LDB ; SLDC 81 ; EQUI ; LNOT ; FJP 11'),
        ...linesOf('SLDC 1 ; LLA 5 ; SLDC 0 ; SLDC 1 ; SLDC 0 ; SLDC 0 ; CSP 6 ; UJP -10'),
        ...linesOf('SLDC 4 ; LLA 10 ; SLDC 0 ; LDCI 512 ; SLDC 63 ; SLDC 0 ; CSP 6'),
        ...linesOf('LLA 5 ; SLDC 0 ; CSP 34 ; SLDC 48 ; ADI ; STB'),
        ...linesOf('SLDC 1 ; LLA 5 ; SLDC 0 ; SLDC 1 ; SLDC 0 ; SLDC 0 ; CSP 6'),
        ...linesOf('CSP 39'),
        'exit',
        ['XIT'],
      ],
    },
    ERROR_HANDLER,
  ],
}
