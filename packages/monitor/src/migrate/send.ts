import { encodeSaved, PAGE_BYTES, type Saved } from '@doppel/base'
import { Message, type MigrationHost, type MigrationLine, Peer } from './line.ts'
import { packPages, PAGES_PER_MESSAGE } from './page-messages.ts'

/** The shape of what passes; counted up with each change. */
export const MIGRATION_VERSION = 1
/** Rounds after which the machine is stopped however fast it writes. */
const MAX_ROUNDS = 30
/** So many rounds in which no fewer pages were written than in the one before are enough. */
const MAX_FRUITLESS_ROUNDS = 3
/** How long standing still is aimed at, where the machine writes slowly enough for it. */
const AIM_MS = 30
/** A small rest is not worth another round, whatever the line's speed. */
const SMALL_PAGES = 64
const TIMEOUT_MS = 30_000

/** Memory, or a disk, of a machine that moves while it runs. */
export interface MovingSpace {
  readonly name: string
  readonly pageCount: number
  /** The pages that the other end cannot know of. */
  pages(): Iterable<number>
  /** The pages written since this or `pages` was last called. */
  takeDirty(): Iterable<number>
  /** Copies a whole page as it is now. */
  read(page: number, into: Uint8Array): void | Promise<void>
}

/** A machine that moves to another monitor. */
export interface MovingMachine {
  /** What the other end must have to take it. */
  readonly description: Saved
  readonly spaces: readonly MovingSpace[]
  /** Does something while nothing of the guest's runs; it goes on afterwards unless it has been ended. */
  whileStill<T>(act: () => Promise<T>): Promise<T>
  /** Everything that has no pages, of a machine that stands still; disks are durable then. */
  save(): Promise<Saved>
  /** Called before the other end may run it: nothing outside reaches it here any more. */
  withdraw(): Promise<void>
  /** Called where it goes on here after all. */
  readmit(): Promise<void>
  /** Whether it is the other end's, after a line was cut when it may have been; resolves when that is certain. */
  isTaken(): Promise<boolean>
  /** Ends it here: it runs elsewhere. */
  end(): Promise<void>
}

/** How a move went. */
export interface MoveReport {
  /** From the moment it stood still to the other end's word that it runs there. */
  readonly downMs: number
  readonly totalMs: number
  /** Rounds of copying while it ran. */
  readonly rounds: number
  readonly bytes: number
  /** Pages sent while it stood still. */
  readonly lastPages: number
}

/**
 * Moves a running machine to the other end of a line: pages are copied while it runs, and those written meanwhile again,
 * until few are left; then it stands still for the rest (pre-copy, Clark et al., NSDI 2005). Throws `migrate.*`, and what
 * the other end fails with; the machine then goes on here.
 */
export async function sendMachine(
  machine: MovingMachine,
  line: MigrationLine,
  host: MigrationHost,
): Promise<MoveReport> {
  const peer = new Peer(line, host, TIMEOUT_MS)
  const beganMs = host.nowMs()
  try {
    const spaces = machine.spaces.map(({ name, pageCount }) => ({ name, pageCount }))
    await peer.say(Message.hello, encodeSaved({ version: MIGRATION_VERSION, spaces, description: machine.description }))
    await peer.hear(Message.welcome)
    const { rounds, rest } = await copyWhileRunning(machine, peer, host)
    return await machine.whileStill(async () => {
      const stoodMs = host.nowMs()
      // First: the devices' work that is still under way writes memory and disks.
      const state = await machine.save()
      const lastPages = await sendPages(
        machine.spaces,
        rest.map((pages, i) => union(pages, machine.spaces[i]?.takeDirty() ?? [])),
        peer,
      )
      await peer.say(Message.state, encodeSaved(state))
      await peer.hear(Message.ready)
      await handOver(machine, peer)
      const nowMs = host.nowMs()
      await machine.end()
      return { downMs: nowMs - stoodMs, totalMs: nowMs - beganMs, rounds, bytes: peer.sentBytes, lastPages }
    })
  } catch (error) {
    await peer.fail(error)
    throw error
  }
}

/** Resolves when the other end runs the machine; throws when it never will. */
async function handOver(machine: MovingMachine, peer: Peer): Promise<void> {
  await machine.withdraw()
  try {
    await peer.say(Message.commit)
    await peer.hear(Message.committed)
  } catch (error) {
    if (await machine.isTaken()) return
    await machine.readmit()
    throw error
  }
}

async function copyWhileRunning(
  machine: MovingMachine,
  peer: Peer,
  host: MigrationHost,
): Promise<{ readonly rounds: number; readonly rest: readonly (readonly number[])[] }> {
  let pages = await machine.whileStill(() => Promise.resolve(machine.spaces.map(space => [...space.pages()])))
  let fruitless = 0
  for (let rounds = 1; ; rounds++) {
    const beganMs = host.nowMs()
    const count = await sendPages(machine.spaces, pages, peer)
    await peer.say(Message.round)
    await peer.hear(Message.round)
    const msPerPage = (host.nowMs() - beganMs) / Math.max(count, 1)
    const rest = await machine.whileStill(() => Promise.resolve(machine.spaces.map(space => [...space.takeDirty()])))
    const restCount = rest.reduce((sum, each) => sum + each.length, 0)
    if (restCount >= count) fruitless++
    const isLast = rounds === MAX_ROUNDS || fruitless === MAX_FRUITLESS_ROUNDS
    if (isLast || restCount <= SMALL_PAGES || restCount * msPerPage <= AIM_MS) return { rounds, rest }
    pages = rest
  }
}

/** Sends pages as they are now; returns how many. */
async function sendPages(
  spaces: readonly MovingSpace[],
  pages: readonly (readonly number[])[],
  peer: Peer,
): Promise<number> {
  let count = 0
  for (const [index, space] of spaces.entries()) {
    const of = pages[index] ?? []
    for (let at = 0; at < of.length; at += PAGES_PER_MESSAGE) {
      const some = of.slice(at, at + PAGES_PER_MESSAGE)
      const bytes = new Uint8Array(some.length * PAGE_BYTES)
      for (const [i, page] of some.entries()) {
        const reading = space.read(page, bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES))
        if (reading) await reading
      }
      await peer.say(Message.pages, ...packPages(index, some, bytes))
      count += some.length
    }
  }
  return count
}

function union(a: Iterable<number>, b: Iterable<number>): number[] {
  return [...new Set([...a, ...b])].sort((x, y) => x - y)
}
