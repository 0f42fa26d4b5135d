import { resolve } from 'node:path'
import { DoppelError } from '@doppel/base'
import { TRACE_KINDS } from '@doppel/monitor'
import { onEndingSignal } from '../../host/signals.ts'
import { imageNames } from '../../run/images.ts'
import { runMachine } from '../../run/run.ts'
import { fileOutput } from '../../run/text-output.ts'
import { readTrace } from '../../run/trace-options.ts'
import type { Command, Flag, Invocation } from '../command.ts'
import { ask, entriesOf } from '../machines.ts'
import { readRunOptions, readSymbols } from '../run-options.ts'
import { runCommand } from './run.ts'

/** Flags of `run` that have no place in a trace. */
const WITHOUT = new Set('output sample detach name rm isolation json class-path gdb gdb-wait smp'.split(' '))
const OWN: readonly Flag[] = [
  { name: 'events', value: 'KIND,…', summary: `what to tell of: ${TRACE_KINDS.join(',')} (default syscalls)` },
  { name: 'output', short: 'o', value: 'FILE', summary: 'where it goes (default: standard error)' },
  { name: 'format', value: 'text|json|chrome', summary: 'lines, JSON lines, or for chrome://tracing and Perfetto' },
  { name: 'hart', value: 'N,…', summary: 'only these harts' },
  { name: 'privilege', value: 'u,s,m', summary: 'only in these modes' },
  { name: 'address', value: 'FROM-TO', multiple: true, summary: 'only code from one address to before another' },
  { name: 'symbol', value: 'NAME', multiple: true, summary: 'only the code of a function' },
  { name: 'limit', value: 'N', summary: 'end after so many events' },
]

/** `doppel trace`. */
export const traceCommand: Command = {
  ...runCommand,
  name: 'trace',
  summary: 'tell what a machine does: instructions, traps, system calls, interrupts, devices, page walks',
  usage: '[FLAGS] MACHINE | IMAGE | PROGRAM.elf [-- COMMAND…]',
  minArguments: 0,
  flags: [...OWN, ...runCommand.flags.filter(({ name }) => !WITHOUT.has(name))],
  examples: [
    ['doppel trace linux -- ls /', 'the system calls of all programs, from the first on'],
    ['doppel trace --events traps,interrupts --limit 100 web', 'what a running machine does'],
    [
      'doppel trace --events instructions --symbol do_page_fault -o t.txt linux -- true',
      'one function, instruction by instruction',
    ],
    ['doppel trace --events syscalls,interrupts --format chrome -o t.json linux -- true', 'a picture for Perfetto'],
    ['doppel trace --events devices,walks prog.elf', 'registers of devices, and walks of page tables'],
  ],
  async run(invocation) {
    const options = readTrace(invocation.value, invocation.values)
    const output = invocation.value('output')
    const [which] = invocation.arguments
    if (which !== undefined && (await isMachine(invocation, which))) return await traceRunning(invocation, which)
    const run = await readRunOptions(invocation)
    const trace = { options, ...(output !== undefined && { output: resolve(output) }) }
    return await runMachine({ ...run, trace }, invocation.streams)
  },
}

/** An image of the same name comes first. */
async function isMachine(invocation: Invocation, which: string): Promise<boolean> {
  if ((await imageNames(invocation.env)).includes(which)) return false
  const all = await entriesOf(invocation).all()
  return all.some(({ name, id }) => name === which || id.startsWith(which))
}

async function traceRunning(invocation: Invocation, which: string): Promise<number> {
  const own = new Set([...OWN.map(({ name }) => name), 'symbols', 'timeout'])
  const other = traceCommand.flags.find(({ name }) => !own.has(name) && invocation.has(name))
  if (other)
    throw new DoppelError('cli.arguments', `--${other.name} is for a machine to be started; ${which} runs already`)
  const symbols = await Promise.all(invocation.values('symbols').map(readSymbols))
  const path = invocation.value('output')
  const output = path === undefined ? undefined : fileOutput(path)
  const decoder = new TextDecoder()
  const gone = new AbortController()
  const unlisten = onEndingSignal(() => gone.abort())
  try {
    const message = {
      op: 'trace',
      trace: readTrace(invocation.value, invocation.values),
      symbols: symbols.map(file => file.path + (file.offset === undefined ? '' : `@${file.offset}`)),
    }
    await ask(invocation, which, message, {
      signal: gone.signal,
      onOutput: bytes => {
        const text = decoder.decode(bytes, { stream: true })
        if (output) output.write(text)
        else invocation.streams.stderr(text)
      },
    })
  } finally {
    unlisten()
    output?.close()
  }
  return 0
}
