import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DOPPEL } from './doppel-process.ts'

const SOURCE = join(import.meta.dirname, 'java-debug', 'Orchard.java')
const PATIENCE_MS = 15_000
let folder: string
const running: ChildProcessWithoutNullStreams[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-debug-'))
  const { status, stderr } = spawnSync('javac', ['-g', '-d', folder, SOURCE], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
})
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

/** A process, what it says, and waiting for that. */
class Talk {
  readonly child: ChildProcessWithoutNullStreams
  text = ''
  #from = 0
  readonly ended: Promise<number | null>
  #heard: () => void = () => undefined

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args)
    running.push(this.child)
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        this.text += bytes.toString()
        this.#heard()
      })
    }
    this.ended = new Promise(resolve => this.child.on('close', status => resolve(status)))
  }
  /** What it has said up to and with something new that matches. */
  async hears(what: RegExp): Promise<string> {
    const until = performance.now() + PATIENCE_MS
    for (;;) {
      const found = what.exec(this.text.slice(this.#from))
      if (found) {
        const said = this.text.slice(this.#from, this.#from + found.index + found[0].length)
        this.#from += found.index + found[0].length
        return said
      }
      const left = until - performance.now()
      if (left <= 0) throw new Error(`waited for ${what} in vain after: ${this.text.slice(this.#from)}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#heard = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
  async says(line: string, answer: RegExp): Promise<string> {
    this.child.stdin.write(`${line}\n`)
    return await this.hears(answer)
  }
}

const javaOptions = (suspend: 'y' | 'n'): string =>
  `-agentlib:jdwp=transport=dt_socket,server=y,suspend=${suspend},address=127.0.0.1:0`

/** A program that can be debugged, and its port: on OpenJDK or here. */
async function debuggee(command: readonly string[], args: readonly string[]): Promise<{ talk: Talk; port: number }> {
  const [program = '', ...first] = command
  const talk = new Talk(program, [...first, javaOptions('y'), '-cp', folder, ...args])
  const said = await talk.hears(/Listening for transport dt_socket at address: (\d+)\s/)
  return { talk, port: Number(/(\d+)\s*$/.exec(said)?.[1]) }
}

/** What is to be done in jdb, and by what its answer ends: the same on both machines. */
const SESSION: readonly (readonly [line: string, answer: RegExp])[] = [
  ['stop in Orchard.pick', /Deferring[^>]*\[1\] $/],
  ['run', /Breakpoint hit:.*\n.*\n\n.*\[1\] $/],
  ['where', /\[1\] Orch[^]*\[1\] $/],
  ['locals', /Local variables:[^]*\[1\] $/],
  ['print by', /= .*\n.*\[1\] $/],
  ['print total', /= .*\n.*\[1\] $/],
  ['print this', /= .*\n.*\[1\] $/],
  ['dump this', /\}\n.*\[1\] $/],
  ['next', /Step completed:.*\n.*\n\n.*\[1\] $/],
  ['next', /Step completed:.*\n.*\n\n.*\[1\] $/],
  ['locals', /Local variables:[^]*\[1\] $/],
  ['step', /Step completed:.*\n.*\n\n.*\[1\] $/],
  ['where', /\[1\] Orch[^]*\[1\] $/],
  ['step up', /Step completed:.*\n.*\n\n.*\[1\] $/],
  ['print this.weigh(5)', /= .*\n.*\[1\] $/],
  ['print new Orchard("plum", 9).name', /= .*\n.*\[1\] $/],
  ['up', /\[2\] $/],
  ['locals', /Local variables:[^]*\[2\] $/],
  ['clear Orchard.pick', /Removed.*\n.*\[2\] $/],
  ['stop at Orchard:35', /Set breakpoint.*\n.*\[2\] $/],
  ['cont', /Breakpoint hit:.*\n.*\n\n.*\[1\] $/],
  ['print data.length', /= .*\n.*\[1\] $/],
  ['print data[1]', /= .*\n.*\[1\] $/],
  ['dump data', /\}\n.*\[1\] $/],
  ['catch java.lang.ArrayIndexOutOfBoundsException', /Deferring.*\n.*\n.*\[1\] $/],
  ['cont', /Exception occurred:.*\n.*\n\n.*\[1\] $/],
  ['where', /\[1\] Orch[^]*\[1\] $/],
  ['ignore java.lang.ArrayIndexOutOfBoundsException', /Removed:.*\n.*\[1\] $/],
  ['stop at Orchard$Worker:60', /Deferring.*\n.*\n.*\[1\] $/],
  ['cont', /Breakpoint hit:.*\n.*\n\n.*\[1\] $/],
  ['where', /\[1\] Orch[^]*\[1\] $/],
  ['print other', /= .*\n.*\[1\] $/],
  ['cont', /Exception occurred:.*\n.*\n\n.*\[1\] $/],
  ['where', /\[1\] Orch[^]*\[1\] $/],
]

/** What of jdb's answer is the same on every machine: no thread prefixes that race, no numbers of objects. */
function essence(said: string): string {
  return said
    .replaceAll('\r', '')
    .split('\n')
    .map(line =>
      line
        .replace(/^(?:> |\w+\[\d+\] )+/, '')
        .replace(/\(id=\d+\)/, '(id)')
        .trimEnd(),
    )
    .filter(line => line !== '' && !/^(Set uncaught|Set deferred|Initializing|> ?)/.test(line))
    .join('\n')
}

async function session(
  command: readonly string[],
): Promise<{ answers: string[]; output: string; status: number | null }> {
  const { talk, port } = await debuggee(command, ['Orchard'])
  const jdb = new Talk('jdb', ['-sourcepath', dirname(SOURCE), '-attach', `127.0.0.1:${port}`])
  await jdb.hears(/VM Started:[^]*\[1\] $/)
  const answers: string[] = []
  for (const [line, answer] of SESSION) answers.push(`${line}\n${essence(await jdb.says(line, answer))}`)
  jdb.child.stdin.write('cont\n')
  const status = await talk.ended
  await jdb.ended
  return { answers, output: talk.text.replace(/^Listening.*\n/, ''), status }
}

test('jdb sees a program as it sees it on OpenJDK: breakpoints, steps, variables, calls, exceptions', async () => {
  const expected = await session(['java'])
  const ours = await session([process.execPath, DOPPEL, 'java'])
  expect(ours.answers).toEqual(expected.answers)
  expect(ours.output).toBe(expected.output)
  expect(ours.status).toBe(expected.status)
}, 120_000)

test('a running program is suspended where it is, and goes on; without a debugger it runs', async () => {
  const { talk, port } = await debuggee([process.execPath, DOPPEL, 'java'], ['Orchard', 'turn'])
  const jdb = new Talk('jdb', ['-sourcepath', dirname(SOURCE), '-attach', `127.0.0.1:${port}`])
  await jdb.hears(/VM Started:[^]*\[1\] $/)
  jdb.child.stdin.write('run\n')
  await talk.hears(/turning/)
  await jdb.says('suspend', /All threads suspended/)
  const threads = await jdb.says('threads', /main .*\n/)
  const number = /\)(\S+)\s+main/.exec(threads)?.[1] as string
  await jdb.says(`where ${number}`, /\[\d\] Orchard\.main/)
  await jdb.says('resume', /All threads resumed/)
  jdb.child.kill('SIGKILL')
  // Nobody suspends it any more.
  await talk.hears(/still turning/)
  talk.child.kill('SIGKILL')
}, 60_000)

test('what is no JDWP ends the connection and not the program', async () => {
  const { talk, port } = await debuggee([process.execPath, DOPPEL, 'java'], ['Orchard', 'turn'])
  const noise = connect(port, '127.0.0.1')
  noise.end('GET / HTTP/1.1\r\n\r\n')
  await new Promise(resolve => noise.once('close', resolve).resume())
  const jdb = new Talk('jdb', ['-sourcepath', dirname(SOURCE), '-attach', `127.0.0.1:${port}`])
  await jdb.hears(/VM Started:/)
  jdb.child.kill('SIGKILL')
  await talk.hears(/turning/)
  talk.child.kill('SIGKILL')
}, 60_000)

/** Commands whose arguments, if they happened to be right, would change the program: calls, assignments, its end. */
const CHANGING = new Set(['1.10', '3.2', '3.3', '3.4', '9.3', '9.6', '13.3', '11.11'])

test('whatever a debugger asks is answered, and the program goes on', async () => {
  const { talk, port } = await debuggee([process.execPath, DOPPEL, 'java'], ['Orchard', 'turn'])
  const socket = connect(port, '127.0.0.1')
  let replies = 0
  let held = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes])
    if (replies === 0 && held.length >= 14 && held.toString('latin1', 0, 4) === 'JDWP') held = held.subarray(14)
    for (; held.length >= 11 && held.length >= held.readUInt32BE(0); held = held.subarray(held.readUInt32BE(0))) {
      if ((held[8] as number) & 0x80) replies++
    }
  })
  // Small numbers, such as are given out, and others, in every place where a command may look for them.
  const word = fc.oneof(
    fc.nat(700).map(n => [0, 0, 0, 0, 0, 0, n >> 8, n & 255]),
    fc.nat(700).map(n => [0, 0, 0, 0, n >> 8, n & 255, 0, 1]),
    fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }),
  )
  const packets = fc
    .sample(
      fc.tuple(
        fc.constantFrom(1, 2, 3, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17),
        fc.nat(21),
        fc.array(word, { maxLength: 4 }),
      ),
      {
        numRuns: 3000,
        seed: 17,
      },
    )
    .filter(([set, command]) => !CHANGING.has(`${set}.${command}`))
  socket.write('JDWP-Handshake')
  for (const [i, [set, command, words]] of packets.entries()) {
    const data = words.flat()
    const header = Buffer.alloc(11)
    header.writeUInt32BE(11 + data.length, 0)
    header.writeUInt32BE(i + 1, 4)
    header.set([0, set, command], 8)
    socket.write(Buffer.concat([header, Buffer.from(data)]))
  }
  await expect.poll(() => replies, { timeout: PATIENCE_MS }).toBe(packets.length)
  socket.destroy()
  await talk.hears(/still turning/)
  talk.child.kill('SIGKILL')
}, 60_000)
