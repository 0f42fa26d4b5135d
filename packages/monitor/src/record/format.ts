import { decodeSaved, DoppelError, encodeSaved, hashWords, type Saved, utf8Text } from '@doppel/base'

/*
 * A recording is a line that says so, then records: the length and a checksum of what follows (32-bit little-endian words),
 * then CBOR. The first is what was run, the rest events in their order; the last tells how it ended. A recording that
 * stops short has all its events but those.
 */
const NAME = 'doppel recording '
/** Another one wherever deterministic machines would run otherwise than before, or a recording be read otherwise. */
const VERSION = 3
const MAGIC = `${NAME}${VERSION}\n`
/** More than any event: what is typed comes in small pieces. */
const MAX_RECORD_BYTES = 1 << 24
const HEAD_BYTES = 8

/** What has come from outside, and when: after how many instructions, at which nanosecond of the machine's time. */
export interface InputEvent {
  readonly kind: 'input'
  readonly instructions: bigint
  readonly atNs: number
  readonly port: string
  readonly bytes: Uint8Array
}
/** How the run ended, and what its state was then. */
export interface EndEvent {
  readonly kind: 'end'
  readonly instructions: bigint
  readonly atNs: number
  readonly hash: string
}
/** One thing that was recorded. */
export type RecordedEvent = InputEvent | EndEvent

/** What was recorded. */
export interface Recording {
  /** As it was given to the recorder. */
  readonly subject: Saved
  readonly events: readonly RecordedEvent[]
  /** False when its end is missing: whoever recorded was cut off. */
  readonly isWhole: boolean
}

/** The beginning of a recording of `subject`. */
export function encodeBeginning(subject: Saved): Uint8Array {
  const line = new TextEncoder().encode(MAGIC)
  const record = encodeRecord(subject)
  const bytes = new Uint8Array(line.length + record.length)
  bytes.set(line)
  bytes.set(record, line.length)
  return bytes
}
/** One event's bytes. */
export function encodeEvent(event: RecordedEvent): Uint8Array {
  return encodeRecord({ ...event })
}
function encodeRecord(value: Saved): Uint8Array {
  const content = encodeSaved(value)
  const bytes = new Uint8Array(HEAD_BYTES + content.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, content.length, true)
  view.setInt32(4, hashWords(content)[0], true)
  bytes.set(content, HEAD_BYTES)
  return bytes
}

/**
 * Reads a recording as far as it is whole. Throws `replay.format` for what is none, `replay.version` for one of another time, and `replay.damaged` where bytes are not what
 * was written.
 */
export function decodeRecording(file: Uint8Array): Recording {
  const line = utf8Text(file.subarray(0, MAGIC.length))
  if (line !== MAGIC) {
    const [, version] = /^doppel recording (\d{1,6})\n?/.exec(line) ?? []
    if (version !== undefined && version !== String(VERSION)) {
      throw new DoppelError(
        'replay.version',
        `the recording is of version ${version}; machines run otherwise in this one`,
      )
    }
    throw new DoppelError('replay.format', `this is no recording; expected it to begin with '${MAGIC.trim()}'`)
  }
  const values: Saved[] = []
  let at = MAGIC.length
  while (at + HEAD_BYTES <= file.length) {
    const view = new DataView(file.buffer, file.byteOffset + at, HEAD_BYTES)
    const [length, sum] = [view.getUint32(0, true), view.getInt32(4, true)]
    if (length > MAX_RECORD_BYTES) throw damaged(at)
    if (at + HEAD_BYTES + length > file.length) break
    const content = file.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length)
    if (hashWords(content)[0] !== sum) throw damaged(at)
    values.push(decodeSaved(content))
    at += HEAD_BYTES + length
  }
  const [subject, ...rest] = values
  if (values.length === 0) throw new DoppelError('replay.format', 'the recording ends before it says what was run')
  const events = rest.map((value, i) => readEvent(value, i))
  return { subject, events, isWhole: events.at(-1)?.kind === 'end' }
}

const damaged = (offset: number): DoppelError =>
  new DoppelError('replay.damaged', `the recording is damaged at byte ${offset}`, { offset })

function readEvent(value: Saved, index: number): RecordedEvent {
  const event = value as Partial<RecordedEvent> | null | undefined
  const isTimed = typeof event?.instructions === 'bigint' && typeof event.atNs === 'number'
  if (isTimed && event?.kind === 'end' && typeof event.hash === 'string') return event as EndEvent
  if (isTimed && event?.kind === 'input' && typeof event.port === 'string' && event.bytes instanceof Uint8Array) {
    return event as InputEvent
  }
  throw new DoppelError('replay.format', `event ${index} of the recording is none that this doppel knows`, { index })
}
