import { DoppelError, formatSize } from '@doppel/base'
import type { DebuggedMachine } from '@doppel/monitor'
import { mappedRanges, type RiscvDebug } from '@doppel/riscv'
import type { RunningMachine } from './machine.ts'

/** What GDB's `monitor` is asked in. */
interface Place {
  readonly running: RunningMachine
  readonly target: RiscvDebug
  readonly travel: DebuggedMachine['travel']
  /** The thread that the debugger looks at. */
  readonly thread: number
  /** Moments with names, by their steps. */
  readonly named: Map<string, number>
}
interface GdbCommand {
  readonly name: string
  readonly argument?: string
  readonly summary: string
  /** What it says; one line each. Throws what it cannot do. */
  readonly run: (place: Place, argument: string) => readonly string[] | Promise<readonly string[]>
}

/** Moments with names that are kept at most. */
const MAX_NAMED = 100
const STALE = "GDB's copy of registers is of before: maintenance flush register-cache"
const hex = (value: bigint | number): string => `0x${value.toString(16)}`

/** Every command of `monitor`. */
const COMMANDS: readonly GdbCommand[] = [
  {
    name: 'help',
    summary: 'this list',
    run: () => {
      const words = ({ name, argument }: GdbCommand): string => (argument === undefined ? name : `${name} ${argument}`)
      const width = Math.max(...COMMANDS.map(command => words(command).length))
      return COMMANDS.map(command => `${words(command).padEnd(width)}  ${command.summary}`)
    },
  },
  {
    name: 'info harts',
    summary: 'where each hart is, and what it does',
    run: ({ running, target }) => running.cpu.harts.map((hart, i) => `${target.describe(i)}, pc ${hex(hart.pc)}`),
  },
  {
    name: 'info tlb',
    summary: 'what the page tables of the hart looked at map',
    run: ({ running: { cpu }, thread }) => {
      const hart = cpu.harts[thread]
      const ranges = hart && mappedRanges(cpu, hart)
      if (!ranges) return ['paging is off']
      return ranges.map(
        ({ gva, gpa, lengthBytes, flags }) => `${hex(gva)}-${hex(gva + lengthBytes - 1n)} ${hex(gpa)} ${flags}`,
      )
    },
  },
  {
    name: 'info devices',
    summary: 'what is at which guest-physical addresses',
    run: ({ running: { vm } }) =>
      vm.devices().map(({ base, lengthBytes, name }) => `${hex(base)}-${hex(base + lengthBytes - 1)} ${name}`),
  },
  {
    name: 'checkpoints',
    summary: 'the moments that going back can start from',
    run: ({ running: { timeline } }) => [
      ...(timeline?.checkpoints ?? []).map(({ at, isFine }) => `step ${at}${isFine ? ', for a search' : ''}`),
      `${formatSize(timeline?.heldBytes ?? 0)} of pages`,
    ],
  },
  {
    name: 'snapshot',
    argument: 'NAME',
    summary: 'name this moment',
    run: ({ running, named, target }, name) => {
      needsPast(running)
      if (name === '') throw new DoppelError('gdb.name', 'a name is missing; expected snapshot NAME')
      if (named.size >= MAX_NAMED && !named.has(name))
        throw new DoppelError('gdb.full', `${MAX_NAMED} moments have names already`)
      const { total } = target.position(0)
      named.set(name, total)
      return [`${name}: step ${total}`]
    },
  },
  {
    name: 'restore',
    argument: 'NAME',
    summary: 'go to a moment with a name, back or forward',
    run: async ({ running, named, travel }, name) => {
      needsPast(running)
      const total = named.get(name)
      if (total === undefined)
        throw new DoppelError('gdb.name', `no moment is called '${name}'; there are: ${[...named.keys()].join(' ')}`)
      await travel?.goTo(total)
      return [STALE]
    },
  },
  {
    name: 'reset',
    summary: 'go back to where the machine began',
    run: async ({ running, travel }) => {
      needsPast(running)
      await travel?.goTo(0)
      return [STALE]
    },
  },
  {
    name: 'quit',
    summary: 'end the machine',
    run: ({ running: { vm, timeline } }) => {
      vm.stop()
      timeline?.letEnd()
      return []
    },
  },
]

function needsPast({ timeline }: RunningMachine): void {
  if (timeline) return
  throw new DoppelError('gdb.past', 'only a replay, or run --deterministic --gdb, keeps its past')
}

/** What `monitor` does in a machine; undefined for a line that is no command. */
export function gdbCommands(
  place: Omit<Place, 'thread' | 'named'>,
): (line: string, thread: number) => Promise<string | undefined> {
  const named = new Map<string, number>()
  return async (line, thread) => {
    const command = COMMANDS.find(({ name, argument }) =>
      argument === undefined ? line === name : line === name || line.startsWith(`${name} `),
    )
    if (!command) return undefined
    try {
      const lines = await command.run({ ...place, thread, named }, line.slice(command.name.length).trim())
      return lines.map(text => `${text}\n`).join('')
    } catch (error) {
      if (error instanceof DoppelError) return `${error.message} [${error.code}]\n`
      throw error
    }
  }
}
