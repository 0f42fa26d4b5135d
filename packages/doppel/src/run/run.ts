import { DoppelError, seededEntropy } from '@doppel/base'
import type { FaultEvent, VirtBoot } from '@doppel/board'
import type { RunOptions } from '../cli/run-options.ts'
import { progressBar } from '../cli/progress-bar.ts'
import type { Streams } from '../cli/command.ts'
import { Console } from '@doppel/monitor'
import { openTerminal } from '../host/terminal.ts'
import { bootFiles } from './boot-files.ts'
import { prepareImage, withImageCommand } from './images.ts'
import { faultText } from './faults.ts'
import { CommandChannels } from './command-channels.ts'
import { imageName } from '../control/entries.ts'
import { CpuPlace } from '../sdk/cpu-place.ts'
import { Machine } from '../sdk/machine.ts'
import { runningMachine, type MachineParts, type RunningMachine } from './machine.ts'
import { freshNonce } from './nonce.ts'
import { PanicWatch } from './panic.ts'
import { type GdbAddress, type GdbServer, serveGdb } from './gdb.ts'
import { insight } from './insight.ts'
import { statsReport } from './stats.ts'
import { diskDigests } from './disk-digest.ts'
import { greet, watchForEnd } from './early-end.ts'
import { hasCommonStart } from '../sdk/start-snapshot.ts'
import { type ListMachine, runStarted } from './run-started.ts'
import { stuck } from './stuck.ts'
import { refuseWrittenFiles } from './time-travel.ts'
import { beginViews, type Views } from './views.ts'
import { tapeFor, type Taping } from './taping.ts'

/** The exit status of a run that an event has ended. */
const STOPPED_AT_EVENT = 3

/**
 * Starts the machine that the options describe, connects it to this process's terminal or streams, and returns its exit
 * status: a command's own; 0 after a power-off; 1 after a failure that the guest reported; 3 when an event of `breakOn` ended it; 124 when time ran out; 128
 * and a signal's number when that ended it. `list` makes the machine known to others. Throws `run.*`, and what images, loaders and disks throw.
 */
export async function runMachine(
  asked: RunOptions,
  streams: Streams,
  list: ListMachine = () => Promise.resolve(() => Promise.resolve()),
  taping?: Taping,
): Promise<number> {
  const nonce = freshNonce(asked.deterministic && seededEntropy(BigInt(asked.deterministic.seed)))
  const bar = progressBar(streams)
  const prepared = withImageCommand(await prepareImage(asked, bar.progress, bar.note).finally(() => bar.clear()))
  // A shell without a terminal reads its commands from the input, as it does anywhere else.
  const scripted = taping?.isScript ?? (prepared.command === undefined && isOwnImage(prepared) && !process.stdin.isTTY)
  const options = scripted ? { ...prepared, command: ['sh'] } : prepared
  // Who wants to look into the machine sees all of it.
  const { verbose, stats, profile, dumpRegion, deterministic } = options
  const { trace, sample, breakOn, coverage } = options
  const isSeen = [trace, sample, breakOn, coverage, options.gdb].some(Boolean)
  const isWatched = [verbose, stats, profile, dumpRegion, deterministic, isSeen].some(Boolean)
  const disks = taping ? await diskDigests(options) : {}
  if (deterministic && options.gdb) refuseWrittenFiles(options)
  if (options.root && hasCommonStart(options) && !isWatched) {
    return await runStarted(options, streams, { list, isScript: scripted })
  }
  // What comes while it runs would come at another instruction each time.
  const given = deterministic && !taping ? (scripted ? await wholeInput() : new Uint8Array()) : undefined
  const read = (): ReturnType<typeof bootFiles> => bootFiles(options, nonce, bar.progress).finally(() => bar.clear())
  // Not kept while the machine runs: a kernel and an initrd are large.
  let files: VirtBoot | undefined = await read()
  const takeFiles = async (): Promise<VirtBoot> => {
    const taken = files ?? (await read())
    files = undefined
    return taken
  }
  for (;;) {
    const session = options.command === undefined ? interactive(options) : command(nonce, options, streams, given)
    const panic = new PanicWatch()
    const place = new CpuPlace(options, options.smp)
    const boot = await takeFiles()
    const tape = tapeFor(
      options,
      taping?.begin({ options: asked, isScript: scripted, boot, disks }),
      options.gdb !== undefined,
    )
    const parts = {
      ...session.parts,
      uart: panic.over(session.parts.uart),
      governor: place.join,
      ...tape,
      // Somebody types, or a network answers.
      waits: options.command === undefined || scripted || options.network.mode === 'nat',
      onFault: (event: FaultEvent) => streams.stderr(faultText(event)),
    }
    const machine = await runningMachine(options, boot, parts).catch(async (error: unknown) => {
      await session.close()
      throw error
    })
    const own = Machine.around(imageName(options), options, machine, session.console, place)
    const unlist = await list(own).catch(async (error: unknown) => {
      await own.kill()
      await session.close()
      throw error
    })
    session.onQuit(() => machine.vm.stop())
    const early = watchForEnd(options, streams, () => machine.vm.stop())
    if (options.command === undefined) greet(streams)
    let gdb: GdbServer | undefined
    let views: Views | undefined
    try {
      views = await beginViews(machine, options, streams)
      if (options.gdb) gdb = await listenForGdb(machine, options.gdb, streams)
      own.start()
      const end = await own.wait()
      gdb?.close(end)
      await session.close()
      if (options.stats) streams.stderr(statsReport(machine))
      streams.stderr(views.end())
      const found = await insight(machine.cpu, options)
      if (found !== '') streams.stderr(found)
      if (taping) streams.stderr(`doppel: ${taping.end(machine.vm)}\n`)
      if (options.hash) streams.stdout(`${machine.vm.stateHash()}\n`)
      const ended = early.status() ?? (end.kind === 'stopped' && views.stops() > 0 ? STOPPED_AT_EVENT : undefined)
      if (ended !== undefined) return ended
      const panicked = end.kind === 'stopped' ? undefined : panic.error()
      if (panicked) throw panicked
      // What follows a reset is another run, which a recording does not have.
      if (end.kind === 'reset' && options.command === undefined && !taping) continue
      const status = session.status()
      if (status !== undefined) return status
      if (end.kind === 'stuck') throw stuck(end.trap)
      if (options.command !== undefined && end.kind !== 'stopped' && !(scripted && end.kind === 'poweroff')) {
        throw new DoppelError('run.ended', `the machine ended (${end.kind}) before its command did; see --verbose`)
      }
      if (end.kind === 'failure') return failure(options, end.code, streams)
      if (end.kind === 'halted') throw new DoppelError('run.halted', 'the guest stopped all of its harts')
      return 0
    } finally {
      gdb?.close()
      views?.end()
      early.close()
      await session.close()
      await unlist()
    }
  }
}

async function listenForGdb(machine: RunningMachine, address: GdbAddress, streams: Streams): Promise<GdbServer> {
  const server = await serveGdb(machine, address)
  const at = address.host === '127.0.0.1' ? '' : address.host
  streams.stderr(`doppel: for GDB: target remote ${at}:${server.port}\n`)
  return server
}

/** All of our input, once it has ended. */
async function wholeInput(): Promise<Uint8Array> {
  const parts: Buffer[] = []
  for await (const part of process.stdin) parts.push(part as Buffer)
  return new Uint8Array(Buffer.concat(parts))
}

/** True when what runs is an image's own kernel and user land, whose /init is ours. */
function isOwnImage(options: RunOptions): boolean {
  return options.target?.kind === 'image' && options.kernel === undefined
}

function failure(options: RunOptions, code: number, streams: Streams): number {
  const what =
    options.target?.kind === 'elf' ? `${options.target.path}: failed test ${code}` : `the guest failed (${code})`
  streams.stderr(`doppel: ${what} [run.failed]\n`)
  return 1
}

/** One run's ends towards the user. */
interface Session {
  readonly parts: MachineParts
  /** What others who attach to the machine see. */
  readonly console: Console
  onQuit(quit: () => void): void
  /** The exit status that the guest told, if it did. */
  status(): number | undefined
  close(): Promise<void>
}

/** The terminal is the guest's: its virtio console for the linux image, its UART for anything else. */
function interactive(options: RunOptions): Session {
  let quit = (): void => undefined
  const terminal = openTerminal(action => {
    if (action === 'quit') quit()
  })
  const ownImage = isOwnImage(options)
  const silent = {
    write: (bytes: Uint8Array) => (options.verbose ? terminal.write(bytes) : undefined),
    onInput: () => undefined,
  }
  const console = new Console()
  console.attach({ write: bytes => terminal.write(bytes), size: terminal.size() })
  terminal.onInput(bytes => console.type(bytes))
  terminal.onResize?.(() => console.resize(terminal.size() ?? console.size()))
  let closed: Promise<void> | undefined
  return {
    parts: ownImage ? { uart: silent, consoles: [console] } : { uart: console, consoles: [] },
    console,
    onQuit: stop => {
      quit = stop
    },
    status: () => undefined,
    close: () => (closed ??= terminal.close()),
  }
}

/** One command: its streams are ours. */
function command(nonce: string, { verbose }: RunOptions, streams: Streams, input: Uint8Array | undefined): Session {
  const channels = new CommandChannels(nonce, verbose ? text => streams.stderr(text) : () => undefined, input)
  return {
    parts: { uart: channels.control, consoles: [channels.output, channels.errors] },
    console: new Console(),
    onQuit: () => undefined,
    status: () => channels.status,
    close: () => channels.close(),
  }
}
