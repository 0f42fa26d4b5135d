import { DoppelError } from '@doppel/base'
import { recordTo, replayOf } from '../../run/taping.ts'
import { runMachine } from '../../run/run.ts'
import type { Command, Invocation } from '../command.ts'
import { type DiskOption, readableFile, readGdb, readRunOptions } from '../run-options.ts'
import { runCommand } from './run.ts'

/** Flags of `run` that have no place in a recorded run. */
const WITHOUT = new Set(
  'output sample coverage break-on detach name rm isolation json deterministic class-path gdb gdb-wait smp disk-rate disk-operations volume'.split(
    ' ',
  ),
)

/** A command line for a run whose input is kept: it may have more of that than one that is to come out alike by itself. */
export function recordedInvocation(invocation: Invocation): Invocation {
  return { ...invocation, has: flag => flag === 'deterministic' || flag === 'recorded' || invocation.has(flag) }
}

/** `doppel record`. */
const recordCommand: Command = {
  ...runCommand,
  name: 'record',
  summary: 'run a machine deterministically, and keep what comes from outside, to replay it',
  usage: '--output FILE [FLAGS] IMAGE|PROGRAM.elf [-- COMMAND…]',
  flags: [
    { name: 'output', short: 'o', value: 'FILE', summary: 'where the recording goes' },
    ...runCommand.flags.filter(({ name }) => !WITHOUT.has(name)),
  ],
  examples: [
    ['doppel record -o bug.tape linux', 'a shell: all that is typed is kept with its instruction'],
    ['doppel record -o run.tape --seed 7 prog.elf', 'a bare-metal program'],
  ],
  async run(invocation) {
    const output = invocation.value('output')
    if (output === undefined) throw new DoppelError('cli.arguments', 'where to? expected --output FILE')
    const options = await readRunOptions(recordedInvocation(invocation))
    return await runMachine(options, invocation.streams, undefined, recordTo(output))
  },
}

/** `doppel replay`. */
const replayCommand: Command = {
  name: 'replay',
  summary: 'run a recorded machine again, with the same input at the same instructions',
  usage: '[FLAGS] FILE',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    { name: 'engine', value: 'interpreter|translator', summary: 'how instructions run (default translator)' },
    {
      name: 'disk',
      value: 'FILE',
      multiple: true,
      summary: 'where a recorded disk is now, as it was when the recording began; in the order of its --disk flags',
    },
    ...runCommand.flags.filter(({ name }) => name === 'gdb' || name === 'gdb-wait'),
  ],
  examples: [
    ['doppel replay bug.tape', 'prints what the guest printed, and checks its state at the end'],
    ['doppel replay --gdb 1234 --gdb-wait bug.tape', 'under GDB: what it does there changes nothing, unless it writes'],
  ],
  async run(invocation) {
    const {
      arguments: [path = ''],
      env,
      streams,
      value,
    } = invocation
    const { options, taping } = replayOf(path, env)
    const disks = await disksElsewhere(options.disks, invocation.values('disk'))
    const engine = value('engine') ?? 'translator'
    if (engine !== 'interpreter' && engine !== 'translator') {
      throw new DoppelError('cli.flag-value', `--engine is '${engine}'; expected interpreter or translator`)
    }
    return await runMachine({ ...options, disks, engine, ...readGdb(invocation) }, streams, undefined, taping)
  },
}

/** A recording's disks, those whose files are named in their place. Throws `cli.arguments`, `run.file`. */
async function disksElsewhere(disks: readonly DiskOption[], paths: readonly string[]): Promise<readonly DiskOption[]> {
  if (paths.length > disks.length) {
    throw new DoppelError('cli.arguments', `${paths.length} times --disk; the recorded machine has ${disks.length}`)
  }
  const found = await Promise.all(paths.map(path => readableFile(path, '--disk')))
  return disks.map((disk, i) => ({ ...disk, path: found[i] ?? disk.path }))
}

/** Runs that are kept, and run again. */
export const RECORD_COMMANDS: readonly Command[] = [recordCommand, replayCommand]
