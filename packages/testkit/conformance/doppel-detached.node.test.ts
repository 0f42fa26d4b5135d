import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Machine } from 'doppel'
import { riscvElf } from '@doppel/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel, type Start, TerminalSession, DOPPEL } from './doppel-process.ts'

let folder: string
let runtime: Record<string, string>
const run = async (args: readonly string[], start: Start = {}) => {
  const { status, stdout, stderr } = await doppel(args, { ...start, env: runtime })
  return { status, out: stdout.toString(), err: stderr.toString() }
}
/** Every machine that was recorded, as `doppel ps -a --json` tells it. */
const machines = async (): Promise<
  { id: string; name: string; state: string; pid?: number; ended?: { exitCode: number } }[]
> => JSON.parse((await run(['ps', '-a', '--json'])).out) as never

/** Waits until a machine does not run any more. Looking takes a process each time, which the machine is to be left room by. */
const over = async (is: (machine: { id: string; name: string }) => boolean): Promise<void> => {
  while ((await machines()).find(is)?.state === 'running') await new Promise(resolve => setTimeout(resolve, 500))
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-detached-'))
  runtime = { XDG_RUNTIME_DIR: folder, XDG_DATA_HOME: join(folder, 'data') }
  // A run that is broken off leaves no machine for longer than this.
  expect(await run(['run', '-d', '--name', 'web', '--timeout', '15m', 'linux'])).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^[0-9a-f]{12}\n$/),
  })
})
afterAll(async () => {
  for (const { id } of await machines()) await run(['rm', '-f', id])
  await rm(folder, { recursive: true })
})

test('a machine left running is listed; its socket and folder are its owner’s alone', async () => {
  expect(await machines()).toMatchObject([{ name: 'web', state: 'running' }])
  expect((await run(['ps'])).out).toMatch(/^ID +NAME +IMAGE +COMMAND +CREATED +STATE\n[0-9a-f]{12} +web +linux/)
  const [id = ''] = await readdir(join(folder, 'doppel'))
  const modes = [join(folder, 'doppel'), join(folder, 'doppel', id, 'control.sock')].map(
    async path => (await stat(path)).mode & 0o777,
  )
  expect(await Promise.all(modes)).toEqual([0o700, 0o600])
})

test('exec has the command’s words, streams and status', async () => {
  expect(await run(['exec', 'web', 'sh', '-c', 'echo "$0 $A"; pwd; echo oops >&2; exit 7', '-x'])).toEqual({
    status: 7,
    out: '-x \n/\n',
    err: 'oops\n',
  })
  expect(
    await run(['exec', '-i', '-w', '/tmp', '-e', 'A=b c', 'web', 'sh', '-c', 'pwd; echo "$A"; cat'], { input: 'in' }),
  ).toEqual({
    status: 0,
    out: '/tmp\nb c\nin',
    err: '',
  })
  expect(await run(['exec', '-u', 'nobody-here', 'web', 'true'])).toMatchObject({
    status: 1,
    err: expect.stringContaining('[commands.user]'),
  })
})

test('more output than anything holds comes whole', async () => {
  const { out } = await run(['exec', 'web', 'sh', '-c', 'head -c 8000000 /dev/zero | tr "\\0" x'])
  expect(out.length).toBe(8_000_000)
})

test('files go in and come out', async () => {
  const [here, back] = [join(folder, 'here'), join(folder, 'back')]
  const bytes = Buffer.from(new Uint8Array(300_000).map((_, i) => i * 7))
  await writeFile(here, bytes)
  expect((await run(['cp', here, 'web:/tmp/'])).status).toBe(0)
  expect((await run(['cp', 'web:/tmp/here', back])).status).toBe(0)
  expect(Buffer.compare(await readFile(back), bytes)).toBe(0)
  expect((await run(['cp', 'web:/nope', back])).err).toContain('[files.not-found]')
})

test('a paused machine says so and goes on', async () => {
  expect((await run(['pause', 'web'])).status).toBe(0)
  expect((await machines())[0]?.state).toBe('paused')
  expect((await run(['ps'])).out).toContain('paused')
  expect((await run(['resume', 'web'])).status).toBe(0)
  expect((await run(['exec', 'web', 'echo', 'on'])).out).toBe('on\n')
})

test('attach is the guest’s terminal; leaving it leaves the machine', async () => {
  const session = new TerminalSession(`${process.execPath} ${DOPPEL} attach web`, runtime)
  session.type('\r')
  await session.shows(/# /)
  session.type('echo $((6*7))th\r')
  await session.shows(/42th/)
  session.type('\x01x')
  expect(await session.ended).toBe(0)
  expect((await machines())[0]?.state).toBe('running')
})

test('exec -it gives a command this terminal, with its size and status', async () => {
  const exec = `stty rows 33 cols 77; ${process.execPath} ${DOPPEL} exec -it web sh; echo status $?`
  const session = new TerminalSession(exec, runtime)
  await session.shows(/# /)
  session.type('stty size; echo $((6*7))th\r')
  await session.shows(/33 77\s+42th/)
  session.type('exit 6\r')
  await session.shows(/status 6/)
  expect(await session.ended).toBe(0)
})

test('exec -it on a terminal that does not know its size has a usual one', async () => {
  const exec = `stty rows 0 cols 0; ${process.execPath} ${DOPPEL} exec -it web sh`
  const session = new TerminalSession(exec, runtime)
  await session.shows(/# /)
  session.type('stty size; exit\r')
  await session.shows(/\n24 80\s/)
  expect(await session.ended).toBe(0)
})

test('a program connects to it, and has the same commands and files as in its own process', async () => {
  process.env['XDG_RUNTIME_DIR'] = folder
  expect(await Machine.list()).toMatchObject([{ name: 'web', state: 'running' }])
  const web = await Machine.connect('web')
  const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'no error',
      (error: { code?: unknown }) => error.code,
    )
  expect(await web.commands.run('cat; echo oops >&2; exit 3', { stdin: 'in' })).toEqual({
    exitCode: 3,
    stdout: 'in',
    stderr: 'oops\n',
  })
  const bytes = new Uint8Array(2_000_000).map((_, i) => i * 13)
  await web.files.write('/tmp/remote', bytes)
  expect(Buffer.compare(await web.files.read('/tmp/remote'), bytes)).toBe(0)
  expect([
    await codeOf(web.files.read('/nope')),
    await codeOf(web.commands.run('sleep 60', { timeoutMs: 200 })),
    await codeOf(web.commands.run('true', { cwd: '/nope' })),
    await codeOf(web.setLimits({ cap: 7 })),
    await codeOf(web.setLimits({ memory: '3G' })),
    await codeOf(Machine.connect('nosuch')),
  ]).toEqual([
    'files.not-found',
    'commands.timeout',
    'commands.cwd',
    'limits.cap',
    'limits.memory',
    'machine.not-found',
  ])
  expect(
    (await run(['set', '--network-rate', '50M', '--disk-rate', 'none', '--latency', 'realtime', 'web'])).status,
  ).toBe(0)
  expect(await web.getMetrics()).toMatchObject({ latency: 'realtime', balloonBytes: 0 })
  await web.setLimits({ latency: 'batch', networkRate: Infinity })
  const echo = await web.commands.run('read -r line; echo "$line"; sleep 60', { background: true, stdin: true })
  await echo.sendStdin(new TextEncoder().encode('x\n'))
  echo.kill('TERM')
  expect((await echo.wait()).exitCode).toBe(143)
})

test('clones go on from where it stands, and a snapshot outlives it', async () => {
  await run(['exec', 'web', 'sh', '-c', 'echo here >/tmp/mark'])
  const ids = (await run(['fork', '-n', '2', 'web'])).out.trim().split('\n')
  const snapshot = join(folder, 'a.snap')
  expect((await run(['snapshot', 'create', 'web', snapshot])).status).toBe(0)
  const restored = (await run(['restore', '--name', 'again', snapshot])).out.trim()
  for (const id of [...ids, restored]) expect((await run(['exec', id, 'cat', '/tmp/mark'])).out).toBe('here\n')
  expect((await run(['rm', '-f', ...ids, 'again'])).status).toBe(0)
  await writeFile(snapshot, (await readFile(snapshot)).subarray(0, 5000))
  expect((await run(['restore', snapshot])).err).toContain('[snapshot.damaged]')
  expect(await machines()).toHaveLength(1)
})

test('snapshots with a name lie over one another, and are listed, compared and removed', async () => {
  const names = async (): Promise<unknown> => JSON.parse((await run(['snapshot', 'ls', '--json'])).out) as unknown
  expect((await run(['snapshot', 'create', 'web', 'one'])).status).toBe(0)
  await run(['exec', 'web', 'sh', '-c', 'head -c 1000000 /dev/urandom >/tmp/random'])
  await run(['snapshot', 'create', 'web', 'two'])
  const restored = (await run(['restore', 'one'])).out.trim()
  expect((await run(['exec', restored, 'ls', '/tmp/random'])).status).toBe(1)
  await run(['snapshot', 'create', restored, 'branch'])
  expect(await names()).toMatchObject([
    { name: 'one', image: 'linux' },
    { name: 'two', parent: 'one' },
    { name: 'branch', parent: 'one' },
  ])
  expect((await run(['snapshot', 'tree'])).out).toMatch(/^one .*\n {2}two .*\n {2}branch .*\n$/)
  const [memory] = JSON.parse((await run(['snapshot', 'diff', 'one', 'two', '--json'])).out) as { bytes: number }[]
  expect(memory?.bytes).toBeGreaterThan(1_000_000)
  expect((await run(['snapshot', 'rm', 'one'])).err).toContain('[snapshot.in-use]')
  expect((await run(['snapshot', 'create', 'web', 'one'])).err).toContain('[snapshot.name]')
  expect((await run(['snapshot', 'rm', 'two', 'branch', 'one'])).status).toBe(0)
  expect([await names(), (await run(['rm', '-f', restored])).status]).toEqual([[], 0])
})

test('a machine is created, then started; its ports and processes are told', async () => {
  let told = ''
  const events = doppel(['events'], {
    env: runtime,
    onStdout: (text, kill) => {
      told = text.replaceAll(/^\S+ /gm, '')
      if (/^destroy .*name=made/m.test(told)) kill('SIGINT')
    },
  })
  // Until it looks: what happened before is not told.
  while (!told.includes('name=probe')) {
    await run(['create', '--name', 'probe', 'linux'])
    await run(['rm', 'probe'])
  }
  const made = ['create', '--name', 'made', '-p', '0:80', '--timeout', '5m', 'linux', '--', 'httpd', '-f', '-h', '/']
  expect((await run(made)).status).toBe(0)
  expect((await machines()).find(({ name }) => name === 'made')?.state).toBe('created')
  expect((await run(['start', 'made'])).out).toBe('made\n')
  const port = /^80\/tcp -> (127\.0\.0\.1:\d+)\n$/.exec((await run(['port', 'made'])).out)?.[1]
  await run(['exec', 'made', 'sh', '-c', 'until netstat -ltn | grep -q :80; do sleep 0.1; done'])
  expect((await fetch(`http://${port}/init`)).status).toBe(200)
  expect((await run(['top', 'made'])).out).toContain('httpd -f')
  await run(['rm', '-f', 'made'])
  await events
  expect(told).toMatch(
    /^create \w+ \(name=made.*\nstart \w+ \(name=made.*\ndie \w+ \(name=made.*\ndestroy \w+ \(name=made/m,
  )
})

test('a machine in this terminal is listed while it runs, and reached as the others are', async () => {
  const session = doppel(
    ['run', '--name', 'here', 'linux', '--', 'sh', '-c', 'while [ ! -e /go ]; do sleep 0.1; done'],
    {
      env: runtime,
    },
  )
  while (!(await machines()).some(({ name, state }) => name === 'here' && state === 'running')) continue
  // Its terminal is here: it can't go on elsewhere.
  expect((await run(['migrate', 'here'])).err).toContain('[migrate.foreground]')
  // The agent answers once the guest is up.
  expect((await run(['exec', 'here', 'touch', '/go'])).status).toBe(0)
  expect((await session).status).toBe(0)
  expect((await machines()).some(({ name }) => name === 'here')).toBe(false)
})

test('a program without an agent runs detached: its console is its UART', async () => {
  const program = join(folder, 'hello.elf')
  // li a0, UART; li a1, '!'; sb a1, 0(a0); wfi; j .-4
  const code = [0x10000537, 0x02100593, 0x00b50023, 0x10500073, 0xffdff06f]
  await writeFile(program, riscvElf(code, 0x8000_0000))
  const id = (await run(['run', '-d', '--name', 'bare', program])).out.trim()
  expect((await machines()).find(machine => machine.id === id)).toMatchObject({ image: 'hello.elf', state: 'running' })
  expect((await run(['exec', 'bare', 'true'])).err).toContain('[agent.none]')
  expect((await run(['logs', 'bare'])).out).toBe('!')
  expect((await run(['rm', '-f', 'bare'])).status).toBe(0)
})

test('a command’s machine ends with it; its output and status stay', async () => {
  const script = 'for i in 1 2 3; do echo line $i; sleep 0.2; done; exit 4'
  await run(['run', '-d', '--name', 'job', 'linux', '--', 'sh', '-c', script])
  expect((await run(['logs', '-f', 'job'])).out).toBe('line 1\nline 2\nline 3\n')
  await over(({ name }) => name === 'job')
  expect((await machines()).find(({ name }) => name === 'job')).toMatchObject({
    state: 'exited',
    ended: { exitCode: 4 },
  })
  expect((await run(['exec', 'job', 'true'])).err).toContain('job is exited')
  expect((await run(['rm', 'job'])).status).toBe(0)
})

test('a machine left running ends when its time is up', async () => {
  await run(['run', '-d', '--name', 'brief', '--timeout', '8s', 'linux', '--', 'sleep', '1000'])
  await over(({ name }) => name === 'brief')
  expect((await machines()).find(({ name }) => name === 'brief')).toMatchObject({ ended: { exitCode: 124 } })
  expect((await run(['rm', 'brief'])).status).toBe(0)
})

test('a machine whose process was killed is seen to be dead, and can be removed', async () => {
  const id = (await run(['fork', 'web'])).out.trim()
  const { pid = 0 } = (await machines()).find(machine => machine.id === id) ?? {}
  process.kill(pid, 'SIGKILL')
  await over(machine => machine.id === id)
  expect((await machines()).find(machine => machine.id === id)?.state).toBe('dead')
  expect((await run(['ps', '-q'])).out).not.toContain(id)
  expect((await run(['rm', id])).status).toBe(0)
})

test('garbage on the control socket harms nobody', async () => {
  const [id = ''] = await readdir(join(folder, 'doppel'))
  for (const bytes of [
    Buffer.alloc(100_000, 0xff),
    Buffer.from('\0\0\0\0\x02{}'),
    Buffer.from('\0\0\0\0\x01x'),
    Buffer.alloc(3),
  ]) {
    const socket = connect(join(folder, 'doppel', id, 'control.sock'))
    socket.on('error', () => undefined)
    socket.end(bytes)
    await new Promise(resolve => socket.on('close', resolve).resume())
  }
  expect((await run(['exec', 'web', 'echo', 'still'])).out).toBe('still\n')
})

test('what makes no sense is refused with a code', async () => {
  expect((await run(['run', '-d', '--name', 'web', 'linux'])).err).toContain('[machine.name]')
  expect((await run(['run', '-d', '--name', '../x', 'linux'])).err).toContain('[machine.name]')
  expect((await run(['exec', 'nosuch', 'true'])).err).toContain('[machine.not-found]')
  expect((await run(['exec', 'web'])).err).toContain('[cli.arguments]')
  expect((await run(['rm', 'web'])).err).toContain('[machine.state]')
})

test('stop lets the guest power itself off', async () => {
  expect(await run(['stop', 'web'])).toEqual({ status: 0, out: 'web\n', err: '' })
  await over(({ name }) => name === 'web')
  expect((await machines())[0]).toMatchObject({ state: 'exited', ended: { exitCode: 0, kind: 'poweroff' } })
})
