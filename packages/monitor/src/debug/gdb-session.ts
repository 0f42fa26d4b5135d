import { type DebugStop, type DebugTarget, DoppelError, type WatchKind } from '@doppel/base'
import { readAll, readMemory, type TargetAccess, writeAll, writeMemory, writeRegister } from './access.ts'
import { bigOf, fromBinary, fromHex, hexNumber, textFromHex, textToHex, toHex } from './hex.ts'
import { ACKNOWLEDGED, DAMAGED, encodePacket, MAX_PACKET_BYTES, PacketReader } from './packets.ts'
import type { Landing, Travel } from '../travel/time-travel.ts'
import { targetXml } from './target-xml.ts'

/** A machine that is debugged: what its debugger drives, and its life. */
export interface DebuggedMachine {
  readonly target: DebugTarget
  /** Resolves when nothing of it runs any more. */
  pause(): Promise<void>
  resume(): void
  /** Ends it. */
  kill(): void
  /** What the debugger's `monitor` command says to a line, looking at a thread; undefined for one that it does not know. */
  monitor(line: string, thread: number): Promise<string | undefined>
  /** How to go back in its run, where that can be done. */
  readonly travel?: Travel
  /** Why nothing may be written to it, where that is so. */
  readonly sealed?: string | undefined
  /** Its debugger has gone, and has taken away all that it had set. */
  leave?(): void
}

/** Signals by which GDB is told why a thread has stopped (GDB manual, appendix E.3). */
const SIGINT = 2
const SIGTRAP = 5
/** Kinds of watchpoint: how they are asked for, and how a stop tells of them. */
const WATCHES: Readonly<Record<WatchKind, { readonly type: string; readonly reply: string }>> = {
  write: { type: '2', reply: 'watch' },
  read: { type: '3', reply: 'rwatch' },
  access: { type: '4', reply: 'awatch' },
}
const KINDS = ['write', 'read', 'access'] as const
/** Threads of the protocol count from 1: 0 means any of them. */
const ANY = 0
const NO_REPLY = undefined
const ERROR = 'E01'
const UNKNOWN = ''
const OK = 'OK'
/**
 * A debugger's connection, by GDB's remote serial protocol (GDB manual, appendix E). The machine stands still from the
 * beginning, as the protocol has it, and between a stop and the next packet that lets it go.
 */
export class GdbSession {
  readonly #machine: DebuggedMachine
  readonly #target: DebugTarget
  readonly #send: (bytes: Uint8Array) => void
  readonly #reader = new PacketReader()
  readonly #breakpoints = new Set<bigint>()
  /** How to be rid of each. */
  readonly #watchpoints = new Map<string, () => void>()
  #acknowledges = true
  #latest = new Uint8Array(0)
  #isPhysical = false
  #isRunning = false
  #isOver = false
  #isClosed = false
  #hasLeft = false
  /** The thread that registers are read of, and that addresses are seen by. */
  #thread = 0
  /** The one that `s` and `bs` are about, where that is another. */
  #stepped: number | undefined
  #threadsTold = 0
  #xml: string | undefined
  /** Packets are answered one after the other. */
  #queue: Promise<void> = Promise.resolve()

  /** Begins with the machine paused; `send` writes to the debugger. */
  constructor(machine: DebuggedMachine, send: (bytes: Uint8Array) => void) {
    this.#machine = machine
    this.#target = machine.target
    this.#send = send
    machine.target.onStop = stop => this.#queueStop(stop, SIGTRAP)
    this.#queue = machine.pause()
  }

  /** Takes what the debugger has sent. */
  receive(bytes: Uint8Array): void {
    for (const received of this.#reader.feed(bytes)) {
      if (received.kind === 'packet') {
        if (this.#acknowledges) this.#send(ACKNOWLEDGED)
        this.#then(() => this.#answer(received.text))
      } else if (received.kind === 'damaged') {
        if (this.#acknowledges) this.#send(DAMAGED)
      } else if (received.kind === 'again') this.#send(this.#latest)
      else {
        this.#machine.travel?.interrupt()
        this.#queueStop({ thread: this.#thread }, SIGINT)
      }
    }
  }
  /** Resolves when all that has been received so far is answered. */
  async settled(): Promise<void> {
    await this.#queue
  }
  /** The machine has come to the end of what is recorded: it may be taken back from there. False when nobody waits for it. */
  reachedEnd(): boolean {
    if (!this.#isRunning) return false
    this.#isRunning = false
    this.#reply(`${this.#stopReply(SIGTRAP)}replaylog:end;`)
    return true
  }
  /** The machine has ended with a status. */
  ended(status: number): void {
    if (this.#isRunning) this.#reply(`W${(status & 0xff).toString(16).padStart(2, '0')}`)
    this.#isOver = true
    this.close()
  }
  /** The debugger is gone: its breakpoints go, and the machine goes on. */
  close(): void {
    this.#isClosed = true
    // A search under way puts it back when it is done.
    this.#machine.travel?.interrupt()
    this.#then(() => this.#detach())
  }
  async #detach(): Promise<undefined> {
    // Another debugger may be there by now.
    if (this.#hasLeft) return
    if (!this.#isOver) await this.#machine.pause()
    if (this.#isClosed) this.#target.onStop = undefined
    for (const address of this.#breakpoints) this.#target.clearBreakpoint(address)
    for (const clear of this.#watchpoints.values()) clear()
    this.#breakpoints.clear()
    this.#watchpoints.clear()
    this.#isRunning = false
    if (!this.#isOver) this.#machine.resume()
    if (!this.#isClosed) return
    this.#hasLeft = true
    this.#machine.leave?.()
  }

  #then(step: () => Promise<string | undefined> | string | undefined): void {
    this.#queue = this.#queue.then(async () => {
      const text = await step()
      if (text !== NO_REPLY) this.#reply(text)
    })
  }
  #reply(text: string): void {
    this.#latest = new Uint8Array(encodePacket(text))
    this.#send(this.#latest)
  }
  /** The machine is to stop, unless it has. */
  #queueStop({ thread, watched }: DebugStop, signal: number): void {
    // At once, before any more of it runs; and in its place, since what lets it go may have been asked for before.
    void this.#machine.pause()
    this.#then(async () => {
      if (!this.#isRunning) return NO_REPLY
      await this.#machine.pause()
      this.#isRunning = false
      this.#thread = thread
      if (!watched) return this.#stopReply(signal)
      // GDB knows of RISC-V that its watchpoints stop before the access, and makes a step of its own.
      return this.#stopReply(signal) + watchReply(watched)
    })
  }
  #stopReply(signal: number): string {
    return `T${signal.toString(16).padStart(2, '0')}thread:${(this.#thread + 1).toString(16)};`
  }

  async #answer(text: string): Promise<string | undefined> {
    if (this.#isRunning && !text.startsWith('D') && !text.startsWith('k')) return NO_REPLY
    const rest = text.slice(1)
    switch (text[0]) {
      case '?':
        return this.#stopReply(SIGTRAP)
      case 'g':
        return readAll(this.#access)
      case 'G':
        return this.#write(access => writeAll(access, rest))
      case 'p':
        return toHex(this.#target.readRegister(this.#thread, hexNumber(rest) ?? -1)) ?? ERROR
      case 'P':
        return this.#write(access => writeRegister(access, rest))
      case 'm':
        return readMemory(this.#access, rest) ?? ERROR
      case 'M':
        return this.#write(access => writeMemory(access, rest, fromHex))
      case 'X':
        // GDB asks with nothing to write whether there is this packet.
        return rest.endsWith(',0:') ? OK : this.#write(access => writeMemory(access, rest, fromBinary))
      case 'H':
        return this.#choose(rest)
      case 'T':
        return this.#threadOf(rest) === undefined ? ERROR : OK
      case 'Z':
      case 'z':
        return this.#breakpoint(text[0] === 'Z', rest)
      case 'c':
        return this.#goOn(rest)
      case 's':
        this.#thread = this.#stepped ?? this.#thread
        return this.#step(rest)
      case 'b':
        return await this.#back(rest)
      case 'D':
        await this.#detach()
        return OK
      case 'k':
        this.#machine.kill()
        return NO_REPLY
      case 'q':
      case 'Q':
        return await this.#query(text)
      case 'v':
        return this.#verbose(text)
      default:
        return UNKNOWN
    }
  }

  // Threads

  #threadOf(text: string): number | undefined {
    const id = text === '-1' ? ANY : hexNumber(text)
    if (id === ANY) return this.#thread
    return id !== undefined && id <= this.#target.threads ? id - 1 : undefined
  }
  #choose(rest: string): string {
    const thread = this.#threadOf(rest.slice(1))
    if (thread === undefined) return ERROR
    if (rest[0] === 'g') this.#thread = thread
    else if (rest[0] === 'c') this.#stepped = /^c(0|-1)$/.test(rest) ? undefined : thread
    return OK
  }

  // Registers and memory: see access.ts

  #write(write: (access: TargetAccess) => boolean): string {
    const { sealed } = this.#machine
    if (sealed !== undefined) return `E.${sealed}`
    this.#machine.travel?.changed()
    return write(this.#access) ? OK : ERROR
  }
  get #access(): TargetAccess {
    return { target: this.#target, thread: this.#thread, isPhysical: this.#isPhysical }
  }

  // Going on

  /** Hardware and software breakpoints are one thing here: the guest's memory is left alone. */
  #breakpoint(sets: boolean, rest: string): string {
    const [type, where = '', length] = rest.split(/[,;]/, 3)
    const address = bigOf(where)
    const kind = KINDS.find(name => WATCHES[name].type === type)
    if (type !== '0' && type !== '1' && kind === undefined) return UNKNOWN
    if (address === undefined) return ERROR
    if (kind !== undefined) return this.#watchpoint(sets, kind, address, hexNumber(length) ?? 0)
    if (sets) {
      this.#target.setBreakpoint(this.#thread, address)
      this.#breakpoints.add(address)
    } else if (this.#breakpoints.delete(address)) this.#target.clearBreakpoint(address)
    return OK
  }
  #watchpoint(sets: boolean, kind: WatchKind, address: bigint, lengthBytes: number): string {
    const key = `${kind} ${address} ${lengthBytes}`
    const clear = (): void => this.#target.clearWatchpoint(address, lengthBytes, kind)
    if (sets) {
      if (this.#watchpoints.has(key)) return OK
      if (!this.#target.setWatchpoint(this.#thread, address, lengthBytes, kind)) return ERROR
      this.#watchpoints.set(key, clear)
    } else if (this.#watchpoints.delete(key)) clear()
    return OK
  }
  #goOn(from: string): undefined | string {
    const refused = from === '' ? undefined : this.#jump(from)
    if (refused !== undefined) return refused
    this.#isRunning = true
    this.#machine.resume()
    return NO_REPLY
  }
  #step(from: string): string | undefined {
    const refused = from === '' ? undefined : this.#jump(from)
    if (refused !== undefined) return refused
    if (this.#target.step(this.#thread) === 'resume') return this.#goOn('')
    return this.#stopReply(SIGTRAP)
  }
  async #back(how: string): Promise<string> {
    const { travel } = this.#machine
    if (!travel || (how !== 's' && how !== 'c')) return UNKNOWN
    let landing: Landing
    try {
      landing = await (how === 's' ? travel.stepBack(this.#stepped ?? this.#thread) : travel.continueBack(this.#thread))
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      this.#reply(`O${textToHex(`${error.message} [${error.code}]\n`)}`)
      return this.#stopReply(SIGTRAP)
    }
    this.#thread = landing.thread
    const watched = landing.watched ? watchReply(landing.watched) : ''
    return `${this.#stopReply(SIGTRAP)}${landing.isStart ? 'replaylog:begin;' : watched}`
  }
  /** Returns the answer where that cannot be done. */
  #jump(text: string): string | undefined {
    const address = bigOf(text)
    const pc = this.#target.features[0]?.registers.findIndex(({ name }) => name === 'pc') ?? -1
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, address ?? 0n, true)
    if (address === undefined) return ERROR
    const answer = this.#write(({ target, thread }) => target.writeRegister(thread, pc, bytes))
    return answer === OK ? undefined : answer
  }
  /** vCont: what each thread is to do. A thread that steps does so alone; else all go on. */
  #continue(actions: readonly string[]): string | undefined {
    for (const action of actions) {
      const [what = '', of] = action.split(':', 2)
      if (what[0] !== 's' && what[0] !== 'S') continue
      const thread = of === undefined ? this.#thread : this.#threadOf(of)
      if (thread === undefined) return ERROR
      this.#thread = thread
      return this.#step('')
    }
    return actions.some(action => /^[cC]/.test(action)) ? this.#goOn('') : ERROR
  }
  #verbose(text: string): string | undefined {
    if (text === 'vCont?') return 'vCont;c;C;s;S'
    if (text.startsWith('vCont;')) return this.#continue(text.slice('vCont;'.length).split(';'))
    if (text.startsWith('vKill')) {
      this.#machine.kill()
      return OK
    }
    return UNKNOWN
  }

  // Queries

  #query(text: string): string | Promise<string> {
    const [name = '', ...rest] = text.split(/[:,]/)
    switch (name) {
      case 'qSupported':
        return `PacketSize=${MAX_PACKET_BYTES.toString(16)};QStartNoAckMode+;vContSupported+;hwbreak+;swbreak+;qXfer:features:read+${
          this.#machine.travel ? ';ReverseStep+;ReverseContinue+' : ''
        }`
      case 'QStartNoAckMode':
        this.#acknowledges = false
        return OK
      case 'qAttached':
        return '1'
      case 'qC':
        return `QC${(this.#thread + 1).toString(16)}`
      case 'qfThreadInfo':
        this.#threadsTold = 0
        return this.#tellThreads()
      case 'qsThreadInfo':
        return this.#tellThreads()
      case 'qThreadExtraInfo': {
        const thread = this.#threadOf(rest[0] ?? '')
        return thread === undefined ? ERROR : textToHex(this.#target.describe(thread))
      }
      case 'qXfer':
        return rest[0] === 'features' && rest[2] === 'target.xml' ? this.#describe(rest[3], rest[4]) : UNKNOWN
      case 'qRcmd':
        return this.#monitor(textFromHex(rest[0] ?? ''))
      // As QEMU has them: addresses are physical from now on, or no more.
      case 'qqemu.PhyMemMode':
        return this.#isPhysical ? '1' : '0'
      case 'Qqemu.PhyMemMode':
        this.#isPhysical = rest[0] === '1'
        return OK
      case 'qSymbol':
        return OK
      default:
        return UNKNOWN
    }
  }
  #tellThreads(): string {
    if (this.#threadsTold > 0) return 'l'
    this.#threadsTold = this.#target.threads
    return `m${Array.from({ length: this.#threadsTold }, (_, i) => (i + 1).toString(16)).join(',')}`
  }
  #describe(from: string | undefined, length: string | undefined): string {
    const [at, most] = [hexNumber(from), hexNumber(length)]
    if (at === undefined || most === undefined) return ERROR
    this.#xml ??= targetXml(this.#target)
    const part = this.#xml.slice(at, at + Math.min(most, MAX_PACKET_BYTES / 2))
    return (at + part.length < this.#xml.length ? 'm' : 'l') + part
  }
  async #monitor(line: string | undefined): Promise<string> {
    if (line === undefined) return ERROR
    const said = await this.#machine.monitor(line.trim(), this.#thread)
    if (said === '') return OK
    return textToHex(said ?? `'${line.trim()}' is not known; expected help\n`)
  }
}

function watchReply({ kind, address }: NonNullable<DebugStop['watched']>): string {
  return `${WATCHES[kind].reply}:${address.toString(16)};`
}
