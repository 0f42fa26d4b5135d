import type { CodeNames } from '@doppel/base'
import { blockReport, lcovReport } from '@doppel/monitor'
import { Coverage, physicalView } from '@doppel/riscv'
import type { RunOptions } from '../cli/run-options.ts'
import type { Streams } from '../cli/command.ts'
import type { RunningMachine } from './machine.ts'
import { EventBreaks } from './event-breaks.ts'
import { Sampling } from './sampling.ts'
import { guestNames } from './symbols.ts'
import { fileOutput, type TextOutput } from './text-output.ts'
import { Trace } from './trace.ts'

/** What looks at a machine while it runs. */
export interface Views {
  /** Ends it once the machine has. Returns what is to be told. */
  end(): string
  /** How often it has stopped the machine. */
  stops(): number
}

/** Begins with what the options ask for, before the machine runs. Throws `run.output`, `trace.*`, `break.*`, `symbols.*`. */
export async function beginViews(machine: RunningMachine, options: RunOptions, streams: Streams): Promise<Views> {
  const { trace: asked, sample, breakOn, coverage } = options
  if (!asked && !sample && !breakOn && coverage === undefined) return { end: () => '', stops: () => 0 }
  const names = await guestNames(options, physicalView(machine.cpu))
  /** How to end each, the last begun first. */
  const ends: (() => string)[] = []
  const end = (): string =>
    ends
      .splice(0)
      .reverse()
      .map(each => each())
      .join('')
  if (asked) {
    const output: TextOutput = asked.output === undefined ? onErrors(streams) : fileOutput(asked.output)
    ends.push(() => (output.close(), ''))
    const ports = { write: (text: string) => output.write(text), onLimit: () => machine.vm.stop() }
    const trace = new Trace(machine, names, asked.options, ports)
    ends.push(() => (trace.end(), ''))
  }
  if (sample) {
    const output = fileOutput(sample.output)
    const sampling = new Sampling(machine.cpu, names, sample, output)
    ends.push(() => {
      const samples = sampling.end()
      output.close()
      return `doppel: ${samples} samples in ${sample.output}\n`
    })
  }
  if (coverage !== undefined) ends.push(beginCoverage(machine, names, coverage))
  let breaks: EventBreaks | undefined
  if (breakOn) {
    breaks = new EventBreaks(machine, names, breakOn, text => streams.stderr(text))
    ends.push(() => (breaks?.end(), ''))
  }
  return { end, stops: () => breaks?.count ?? 0 }
}

function onErrors(streams: Streams): TextOutput {
  return { write: text => streams.stderr(text), close: () => undefined }
}

/** Begins to note which code runs; returns what ends it and writes the file. */
function beginCoverage({ cpu }: RunningMachine, names: CodeNames, path: string): () => string {
  const output = fileOutput(path)
  // Programs of Linux are at one another's addresses.
  const isLinux = names.find('linux_banner') !== undefined
  const coverage = new Coverage(cpu, hart => !isLinux || hart.privilege > 0)
  return () => {
    coverage.end()
    const { blocks } = coverage
    const lines = lcovReport(blocks, names)
    output.write(lines ?? blockReport(blocks, names))
    output.close()
    const form = lines === undefined ? 'basic blocks, since no file with line tables was given' : 'lcov'
    return `doppel: ${blocks.size} basic blocks have run: ${path} (${form})\n`
  }
}
