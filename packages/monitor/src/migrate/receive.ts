import { decodeSaved, DoppelError, type Saved } from '@doppel/base'
import { Message, type MigrationHost, type MigrationLine, Peer } from './line.ts'
import { ReceivedPages, unpackPages } from './page-messages.ts'
import { MIGRATION_VERSION } from './send.ts'

/** Memory, and every disk. */
const MAX_SPACES = 64
/** As many as a source sends, and some. */
const MAX_ROUNDS = 64
const TIMEOUT_MS = 30_000

/** A machine that has been built and stands still. */
export interface ArrivedMachine {
  /** Makes it this end's; false where the source has taken it back. */
  claim(): Promise<boolean>
  /** Lets it go on. */
  run(): Promise<void>
  /** Forgets it: it goes on at the source. */
  discard(): Promise<void>
}

/** What the target does with what comes. */
export interface MachineTarget<Machine extends ArrivedMachine> {
  /** Looks at what the machine needs, and how many pages its spaces have by name. Throws where it cannot be taken. */
  welcome(description: Saved, spaces: ReadonlyMap<string, number>): void | Promise<void>
  /** Builds it, standing still. Throws where that fails. */
  build(state: Saved, spaces: ReadonlyMap<string, ReceivedPages>): Promise<Machine>
}

/**
 * Takes a machine that `sendMachine` sends; resolves when it runs here. Throws `migrate.*`, and what the target's
 * functions throw; nothing is left of it then.
 */
export async function receiveMachine<Machine extends ArrivedMachine>(
  target: MachineTarget<Machine>,
  line: MigrationLine,
  host: MigrationHost,
): Promise<Machine> {
  const peer = new Peer(line, host, TIMEOUT_MS)
  let arrived: Machine | undefined
  try {
    const { sizes, description } = readHello((await peer.hear(Message.hello)).bytes)
    await target.welcome(description, sizes)
    // Only what the target has agreed to takes room.
    const spaces = new Map([...sizes].map(([name, pageCount]) => [name, new ReceivedPages(pageCount)]))
    await peer.say(Message.welcome)
    arrived = await target.build(await takePages(peer, [...spaces.values()]), spaces)
    await peer.say(Message.ready)
    await peer.hear(Message.commit)
    if (!(await arrived.claim())) throw new DoppelError('migrate.cut', 'the source has taken its machine back')
  } catch (error) {
    await arrived?.discard()
    await peer.fail(error)
    throw error
  }
  // Said first, since a guest that runs takes the thread. Whether the source hears of it or not: it runs here.
  const said = peer.say(Message.committed).catch(() => undefined)
  await arrived.run()
  await said
  return arrived
}

/** Takes pages until the machine stands still; returns its state. */
async function takePages(peer: Peer, spaces: readonly ReceivedPages[]): Promise<Saved> {
  const total = spaces.reduce((sum, { pageCount }) => sum + pageCount, 0)
  let [rounds, messages] = [0, 0]
  for (;;) {
    const { type, bytes } = await peer.hear(Message.pages, Message.round, Message.state)
    if (type === Message.state) return decodeSaved(bytes)
    if (type === Message.round) {
      if (++rounds > MAX_ROUNDS) throw new DoppelError('migrate.format', `more than ${MAX_ROUNDS} rounds of pages`)
      messages = 0
      await peer.say(Message.round)
    } else {
      // No page comes twice in a round.
      if (++messages > total + spaces.length) throw new DoppelError('migrate.format', 'a round has too many pages')
      unpackPages(bytes, spaces)
    }
  }
}

function readHello(bytes: Uint8Array): {
  readonly sizes: ReadonlyMap<string, number>
  readonly description: Saved
} {
  const hello = decodeSaved(bytes) as { version?: Saved; spaces?: Saved; description?: Saved } | null
  const version = typeof hello?.version === 'number' ? hello.version : undefined
  if (!hello || version !== MIGRATION_VERSION) {
    throw new DoppelError(
      'migrate.version',
      `a machine comes in version ${version ?? 'unknown'} of migration, this doppel takes ${MIGRATION_VERSION}`,
    )
  }
  const spaces = Array.isArray(hello.spaces) ? (hello.spaces as readonly Saved[]) : []
  if (spaces.length === 0 || spaces.length > MAX_SPACES) {
    throw new DoppelError('migrate.format', `the machine has ${spaces.length} spaces; expected 1 to ${MAX_SPACES}`)
  }
  const sizes = new Map<string, number>()
  for (const space of spaces) {
    const { name, pageCount } = (space ?? {}) as { name?: Saved; pageCount?: Saved }
    if (typeof name !== 'string' || typeof pageCount !== 'number' || sizes.has(name)) {
      throw new DoppelError('migrate.format', 'the machine describes a space that is none')
    }
    sizes.set(name, pageCount)
  }
  return { sizes, description: hello.description }
}
