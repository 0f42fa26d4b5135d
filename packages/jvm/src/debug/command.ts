import type { Debugger } from './debugger.ts'
import type { PacketReader, PacketWriter } from './packet.ts'

/**
 * What a command does: reads its data and writes the reply’s. Throws JdwpError. What takes the program’s threads resolves
 * later, to an error code.
 */
export type Run = (on: Debugger, input: PacketReader, out: PacketWriter) => Promise<number> | undefined
type Now = (on: Debugger, input: PacketReader, out: PacketWriter) => unknown

/** One command: its set, number, name (JDWP, “Protocol details”), and what it does at once. */
export type CommandRow = readonly [set: number, command: number, name: string, run: Run]

/** A command that is answered at once. */
export function command(set: number, number: number, name: string, run: Now): CommandRow {
  return [
    set,
    number,
    name,
    (on, input, out) => {
      run(on, input, out)
      return undefined
    },
  ]
}
/** A command that threads of the program answer. */
export function errand(set: number, number: number, name: string, run: Run): CommandRow {
  return [set, number, name, run]
}
