import { physicalView } from '@doppel/riscv'
import type { RunOptions } from '../cli/run-options.ts'
import type { Streams } from '../cli/command.ts'
import type { RunningMachine } from './machine.ts'
import { guestNames } from './symbols.ts'
import { fileOutput, type TextOutput } from './text-output.ts'
import { Trace } from './trace.ts'

/** What looks at a machine while it runs. */
export interface Views {
  /** Ends it once the machine has. Returns what is to be told. */
  end(): string
}

/** Begins with what the options ask for, before the machine runs. Throws `run.output`, `trace.*`, `symbols.*`. */
export async function beginViews(machine: RunningMachine, options: RunOptions, streams: Streams): Promise<Views> {
  const { trace: asked } = options
  if (!asked) return { end: () => '' }
  const names = await guestNames(options, physicalView(machine.cpu))
  const output: TextOutput =
    asked.output === undefined
      ? { write: text => streams.stderr(text), close: () => undefined }
      : fileOutput(asked.output)
  const trace = new Trace(machine, names, asked.options, text => output.write(text))
  trace.onLimit = () => machine.vm.stop()
  let isOver = false
  const end = (): string => {
    if (isOver) return ''
    isOver = true
    trace.end()
    output.close()
    return ''
  }
  return { end }
}
