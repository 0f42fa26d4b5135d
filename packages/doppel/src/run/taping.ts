import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { DoppelError, type Saved } from '@doppel/base'
import type { VirtBoot, VirtMachine } from '@doppel/board'
import {
  decodeRecording,
  encodeBeginning,
  type EndEvent,
  LiveTape,
  type Recording,
  RecordingTape,
  ReplayingTape,
  type RewindableTape,
  type Tape,
  Timeline,
} from '@doppel/monitor'
import type { DiskOption, RunOptions } from '../cli/run-options.ts'
import { VERSION } from '../cli/version.ts'
import type { MachineParts } from './machine.ts'

/** What a recording says was run: by which doppel, how, and the SHA-256 of each file that it began with. */
interface Subject {
  readonly version: string
  /** `RunOptions` without its environment, as JSON. */
  readonly options: string
  /** The shell's commands came from the input. */
  readonly isScript: boolean
  readonly files: Readonly<Record<string, string>>
}

/** What is to be run. */
export interface TapedRun {
  /** As asked for: what an image adds is found again by its name. */
  readonly options: RunOptions
  readonly isScript: boolean
  readonly boot: VirtBoot
  /** SHA-256 of each disk's content. */
  readonly disks: Readonly<Record<string, string>>
}

/** A run that is recorded, or is a replay. */
export interface Taping {
  /** Whether the shell's commands come from the input; undefined where that is not settled yet. */
  readonly isScript: boolean | undefined
  /** Called with what is run and what it begins with. Throws `replay.image`, `record.file`. */
  begin(run: TapedRun): Tape | RewindableTape
  /** The machine has ended; says what there is to say about it. Throws `replay.diverged`. */
  end(vm: VirtMachine): string
}

/** Records a run to a file. */
export function recordTo(path: string): Taping {
  let file: number | undefined
  let tape: RecordingTape | undefined
  return {
    isScript: undefined,
    begin: ({ options: asked, isScript, boot, disks }) => {
      const { env: _, ...options } = asked
      const files = { ...digests(boot), ...disks }
      const subject: Subject = { version: VERSION, options: JSON.stringify(options), isScript, files }
      const descriptor = (file = openToWrite(path))
      writeSync(descriptor, encodeBeginning({ ...subject } as Saved))
      return (tape = new RecordingTape(bytes => void writeSync(descriptor, bytes)))
    },
    end: vm => {
      const { instructions, atNs } = vm.position
      tape?.end(instructions, atNs, vm.stateHash())
      if (file !== undefined) closeSync(file)
      return `${path}: recorded to instruction ${instructions}`
    },
  }
}

function openToWrite(path: string): number {
  try {
    return openSync(path, 'w', 0o600)
  } catch (error) {
    throw new DoppelError('record.file', `${path} cannot be written: ${(error as Error).message}`, { path }, error)
  }
}

/** What a file recorded, ready to be run again. Throws `replay.*`, `run.file`. */
export function replayOf(
  path: string,
  env: RunOptions['env'],
): { readonly options: RunOptions; readonly taping: Taping } {
  const recording = readRecording(path)
  const subject = recording.subject as unknown as Subject
  const end = recording.events.find((event): event is EndEvent => event.kind === 'end')
  const taping: Taping = {
    isScript: subject.isScript,
    begin: ({ boot, disks }) => {
      compareFiles(path, subject, { ...digests(boot), ...disks })
      return new ReplayingTape(recording.events)
    },
    end: vm => {
      const { instructions } = vm.position
      if (!end) return `${path} was cut off; replayed to instruction ${instructions}, its last event`
      const hash = vm.stateHash()
      if (hash === end.hash && instructions === end.instructions)
        return `replayed to instruction ${instructions}: the same state, ${hash}`
      throw new DoppelError(
        'replay.diverged',
        `the replay ended after ${instructions} instructions in state ${hash}; expected ${end.instructions} and ${end.hash}`,
      )
    },
  }
  const options = JSON.parse(subject.options) as RunOptions
  return { options: { ...options, disks: options.disks.map(unwritten), env }, taping }
}

/** What a deterministic machine's input passes; with `goesBack` a debugger may go back on it, unless it is recorded. */
export function tapeFor(
  { deterministic }: RunOptions,
  given: Tape | RewindableTape | undefined,
  goesBack: boolean,
): Pick<MachineParts, 'tape' | 'timeline' | 'isRecorded'> {
  if (!deterministic) return {}
  const canGoBack = given === undefined || 'place' in given
  const isRecorded = given !== undefined
  if (!goesBack || !canGoBack) return { tape: given ?? new RecordingTape(() => undefined), isRecorded }
  return { timeline: new Timeline(given ?? new LiveTape()), isRecorded }
}

/** A replay leaves the files that the recorded run wrote as they are. */
const unwritten = (disk: DiskOption): DiskOption => (disk.mode === 'read-write' ? { ...disk, mode: 'overlay' } : disk)

function readRecording(path: string): Recording {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new DoppelError('run.file', `${path}: ${(error as Error).message}`, { path }, error)
  }
  const recording = decodeRecording(bytes)
  const subject = recording.subject as Partial<Subject> | null | undefined
  if (
    typeof subject?.version !== 'string' ||
    typeof subject.options !== 'string' ||
    typeof subject.files !== 'object'
  ) {
    throw new DoppelError('replay.format', `${path} does not say what was run`, { path })
  }
  if (subject.version !== VERSION) {
    const what = `doppel ${subject.version} made ${path}, this is ${VERSION}`
    throw new DoppelError('replay.version', `${what}; another version may run otherwise`, { path })
  }
  return recording
}

function compareFiles(path: string, { files }: Subject, found: Readonly<Record<string, string>>): void {
  for (const name of new Set([...Object.keys(files), ...Object.keys(found)])) {
    if (files[name] === found[name]) continue
    const what = found[name] === undefined ? 'is not there' : files[name] === undefined ? 'is new' : 'is another one'
    throw new DoppelError('replay.image', `the ${name} that ${path} was recorded with ${what}`, { path, name })
  }
}

/** What a machine boots, each part by its hash. */
function digests(boot: VirtBoot): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, part] of Object.entries(boot) as [string, unknown][]) {
    const bytes = typeof part === 'string' ? part : (part as { bytes?: Uint8Array }).bytes
    if (bytes !== undefined) found[name] = createHash('sha256').update(bytes).digest('hex')
  }
  return found
}
