import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LOG, LOG_END, RAM, RAM_BYTES } from './layout.ts'
import type { Program } from './program.ts'
import { QEMU, qemuMajor } from './qemu-version.ts'
import { type LogRecord, parseLog, type Step } from './state.ts'

/** As doppel's hart: neither more nor less. */
const CPU = ['rv64', 'h=off', 'zbc=off', 'svinval=on', 'sstc=off', ...(qemuMajor() < 8 ? [] : ['zicond=on'])]
/** One instruction to a block of its own. */
const STEP = qemuMajor() < 8 ? ['-singlestep'] : ['-accel', 'tcg,thread=multi,one-insn-per-tb=on']
const TIMEOUT_MS = 20_000

interface QemuRun {
  readonly log: readonly LogRecord[]
  readonly finished: boolean
  readonly trace: string
}

function run(program: Program, flags: readonly string[]): QemuRun {
  const folder = mkdtempSync(join(tmpdir(), 'doppel-lockstep-'))
  try {
    // The guest's RAM is a file: the program is put into it, and its log read from it.
    const path = join(folder, 'ram')
    const trace = join(folder, 'trace')
    const file = openSync(path, 'w+')
    ftruncateSync(file, RAM_BYTES)
    for (const { at, bytes } of program.segments) writeSync(file, bytes, 0, bytes.length, at - RAM)
    let finished = true
    try {
      execFileSync(
        QEMU,
        // With one hart and one thread QEMU makes AMOs of a load and a store, whose faults are a load's.
        `-object memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${path},share=on -M virt,memory-backend=ram
         -m ${RAM_BYTES >> 20} -cpu ${CPU.join(',')} -smp 2 -accel tcg,thread=multi -bios none
         -display none -nodefaults -D ${trace}`
          .split(/\s+/)
          .concat(flags),
        { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', stdio: ['ignore', 'inherit', 'inherit'] },
      )
    } catch (error) {
      if ((error as { code?: string }).code !== 'ETIMEDOUT') throw error
      finished = false
    }
    const log = new Uint8Array(LOG_END - LOG)
    readSync(file, log, 0, log.length, LOG - RAM)
    closeSync(file)
    return { log: parseLog(log), finished, trace: flags.length > 0 ? readFileSync(trace, 'latin1') : '' }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Runs a program to its end. */
export function runInQemu(program: Program): { readonly log: readonly LogRecord[]; readonly finished: boolean } {
  return run(program, [])
}

/** Runs a program one instruction at a time and tells the registers before each whose address is in the range. */
export function traceInQemu(program: Program, first: bigint, end: bigint): Step[] {
  const filter = `0x${first.toString(16)}..0x${(end - 1n).toString(16)}`
  const { trace } = run(program, [...STEP, '-d', 'cpu,fpu,nochain', '-dfilter', filter])
  const dumps = trace.split(/^ pc\s+/m).slice(1)
  return dumps.map(dump => {
    const registers = (file: 'x' | 'f'): bigint[] => {
      const list = Array<bigint>(32).fill(0n)
      for (const [, number, value] of dump.matchAll(new RegExp(`\\b${file}(\\d+)/\\w+\\s+([0-9a-f]{16})`, 'g'))) {
        list[Number(number)] = BigInt(`0x${value}`)
      }
      return list
    }
    return { pc: BigInt(`0x${dump.slice(0, 16)}`), x: registers('x'), f: registers('f') }
  })
}
