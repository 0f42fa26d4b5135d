import { DoppelError } from '@doppel/base'
import { COMMANDS } from './commands.ts'
import type { Debugger } from './debugger.ts'
import { ERRORS, JdwpError } from './errors.ts'
import { type Command, PacketReader, PacketWriter } from './packet.ts'

/** Answers a command, now or when a thread of the program has done what it takes. */
export function answer(on: Debugger, { id, set, command, data }: Command, send: (packet: Uint8Array) => void): void {
  const out = new PacketWriter()
  try {
    const run = COMMANDS.get(set * 256 + command)
    if (!run) throw new JdwpError('NOT_IMPLEMENTED')
    const later = run(on, new PacketReader(data), out)
    if (later) void later.then(error => send(out.reply(id, error)))
    else send(out.reply(id))
  } catch (error) {
    if (error instanceof JdwpError) send(out.reply(id, error.code))
    else if (error instanceof DoppelError || error instanceof WebAssembly.Exception)
      send(out.reply(id, ERRORS.INTERNAL))
    else throw error
  }
}
