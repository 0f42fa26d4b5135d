import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createQcow2 } from '@doppel/images'
import { Machine, Network, Snapshot } from 'doppel'
import { afterAll, beforeAll, expect, test } from 'vitest'

let vm: Machine
beforeAll(async () => {
  vm = await Machine.create('linux', { memory: '128M' })
})
afterAll(async () => {
  await vm.kill()
})
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  await promise.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  )

test('a command has its output, errors and status; a list of words arrives as it is', async () => {
  expect(await vm.commands.run('echo $((6*7)); echo oops >&2; exit 3')).toEqual({
    exitCode: 3,
    stdout: '42\n',
    stderr: 'oops\n',
  })
  const words = ['a b', "it's", '$HOME', '', 'x\ny', '"\\']
  expect((await vm.commands.run(['printf', '<%s>', ...words])).stdout).toBe(words.map(word => `<${word}>`).join(''))
})

test('folder, environment, user and input are the command’s own', async () => {
  const { stdout } = await vm.commands.run('pwd; echo "$A"; cat; id -u', {
    cwd: '/tmp',
    env: { A: "b'c\nd" },
    stdin: 'in\n',
  })
  expect(stdout).toBe("/tmp\nb'c\nd\nin\n0\n")
  expect(await codeOf(vm.commands.run('true', { cwd: '/nowhere' }))).toBe('commands.cwd')
  expect(await codeOf(vm.commands.run('true', { user: 'nobody-here' }))).toBe('commands.user')
  expect(await codeOf(vm.commands.run(['a\0b']))).toBe('commands.argument')
})

test('many commands at once do not mix; more than there is room for are refused', async () => {
  const runs = Array.from({ length: 12 }, (_, i) => vm.commands.run(`sleep 0.2; echo ${i}`))
  expect((await Promise.all(runs)).map(({ stdout }) => Number(stdout))).toEqual(runs.map((_, i) => i))
  const tooMany = Array.from({ length: 17 }, () => codeOf(vm.commands.run('sleep 0.5')))
  expect((await Promise.all(tooMany)).filter(code => code === 'commands.too-many').length).toBeGreaterThan(0)
})

test('a command that takes too long, or that its caller gives up, is killed with what it started', async () => {
  expect(await codeOf(vm.commands.run('sleep 77 & sleep 78', { timeoutMs: 200 }))).toBe('commands.timeout')
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 100)
  expect(await codeOf(vm.commands.run('sleep 79', { signal: abort.signal }))).toBe('commands.aborted')
  expect((await vm.commands.run('pgrep -f "sleep 7[789]" || ps | grep -c "sleep 7[789]$"')).stdout).toBe('0\n')
})

test('a background command is fed, watched and signalled', async () => {
  let heard = ''
  const echo = await vm.commands.run('while read -r line; do echo "got $line"; done; echo bye', {
    background: true,
    stdin: true,
    onStdout: bytes => void (heard += new TextDecoder().decode(bytes)),
  })
  await echo.sendStdin(utf8('one\ntwo\n'))
  echo.closeStdin()
  expect(await echo.wait()).toEqual({ exitCode: 0 })
  expect(heard).toBe('got one\ngot two\nbye\n')
  const sleeper = await vm.commands.run('trap "exit 7" TERM; while :; do sleep 0.05; done', { background: true })
  expect(sleeper.pid).toBeGreaterThan(1)
  sleeper.kill('TERM')
  expect([7, 143]).toContain((await sleeper.wait()).exitCode)
})

test('bytes of every value pass both ways through files', async () => {
  const bytes = new Uint8Array(3 << 20).map((_, i) => (i * 31 + (i >> 9)) & 255)
  await vm.files.write('/tmp/deep/er/file', bytes)
  expect(Buffer.compare(await vm.files.read('/tmp/deep/er/file'), bytes)).toBe(0)
  expect(await vm.files.stat('/tmp/deep/er/file')).toMatchObject({
    type: 'file',
    sizeBytes: bytes.length,
    name: 'file',
  })
  await vm.files.write('/tmp/empty', '')
  expect(await vm.files.readText('/tmp/empty')).toBe('')
})

test('folders list what they hold, whatever its name', async () => {
  await vm.files.makeDir('/tmp/names/sub')
  await vm.files.write('/tmp/names/a b\n"c\'', 'x')
  await vm.commands.run('ln -s /nowhere /tmp/names/link')
  const listed = await vm.files.list('/tmp/names')
  expect(listed.map(({ name, type }) => [name, type])).toEqual([
    ['a b\n"c\'', 'file'],
    ['link', 'link'],
    ['sub', 'folder'],
  ])
  await vm.files.rename('/tmp/names/a b\n"c\'', '/tmp/names/plain')
  await vm.files.remove('/tmp/names/link')
  expect((await vm.files.list('/tmp/names')).map(file => file.name)).toEqual(['plain', 'sub'])
})

test('what files refuse has a code of its own', async () => {
  const { files } = vm
  await vm.commands.run('mkdir -p /tmp/small && mount -t tmpfs -o size=64k tmpfs /tmp/small')
  expect([
    await codeOf(files.read('/nope')),
    await codeOf(files.read('/tmp')),
    await codeOf(files.write('/tmp', 'x')),
    await codeOf(files.list('/init')),
    await codeOf(files.makeDir('/init')),
    await codeOf(files.remove('/nope')),
    await codeOf(files.write('/proc/x/y', 'x')),
    await codeOf(files.write('/tmp/small/big', new Uint8Array(1 << 20))),
    await files.exists('/nope'),
    await files.exists('/init'),
  ]).toEqual([
    'files.not-found',
    'files.is-folder',
    'files.is-folder',
    'files.not-folder',
    'files.exists',
    'files.not-found',
    expect.stringMatching(/^files\./),
    'files.no-space',
    false,
    true,
  ])
})

test('a watched folder tells what happens in it', async () => {
  await vm.files.makeDir('/tmp/watched')
  const events: string[] = []
  const seen = Promise.withResolvers<void>()
  const watch = await vm.files.watchDir(
    '/tmp/watched',
    ({ type, name }) => {
      events.push(`${type} ${name}`)
      if (type === 'created') void vm.files.write('/tmp/watched/new', 'longer')
      if (type === 'changed') void vm.files.remove('/tmp/watched/new')
      if (type === 'removed') seen.resolve()
    },
    { intervalMs: 50 },
  )
  await vm.files.write('/tmp/watched/new', 'x')
  await seen.promise
  watch.stop()
  expect(events).toEqual(['created new', 'changed new', 'removed new'])
})

test('a paused guest runs nothing and its clock stands still', async () => {
  const uptime = async (): Promise<number> => Number((await vm.files.readText('/proc/uptime')).split(' ')[0])
  const before = await uptime()
  const beganMs = performance.now()
  await vm.pause()
  const { instructions } = vm.getMetrics()
  await new Promise(resolve => setTimeout(resolve, 3000))
  expect([vm.state, vm.getMetrics().instructions]).toEqual(['paused', instructions])
  await vm.resume()
  const passedMs = (await uptime()) * 1000 - before * 1000
  expect(passedMs).toBeLessThan(performance.now() - beganMs - 2500)
})

test('an agent that is killed comes back; what ran under it is lost, and says so', async () => {
  const sleeper = await vm.commands.run('sleep 50', { background: true })
  const ended = codeOf(sleeper.wait())
  // The shell that has the control channel as its input and, for answers, once more.
  const agents =
    'for p in /proc/[0-9]*; do case "$(readlink $p/fd/0) $(readlink $p/fd/3)" in *p0" "*p0) kill -9 ${p##*/};; esac; done'
  vm.commands.run(agents).catch(() => undefined)
  expect(await ended).toBe('agent.lost')
  expect((await vm.commands.run('echo again')).stdout).toBe('again\n')
})

test('a terminal in the guest has a size, takes input and interrupts', async () => {
  let shown = ''
  let look = (): void => undefined
  const shows = (text: string): Promise<void> =>
    new Promise(resolve => {
      look = () => (shown.includes(text) ? resolve() : undefined)
      look()
    })
  const pty = await vm.pty.create({
    columns: 100,
    rows: 30,
    command: ['sh'],
    onData: bytes => {
      shown += new TextDecoder().decode(bytes)
      look()
    },
  })
  await pty.sendInput(utf8('tty; stty size; echo $((6*7))th\n'))
  await shows('42th')
  expect(shown).toMatch(/\/dev\/pts\/\d+\r\n30 100\r\n42th/)
  await pty.resize({ columns: 70, rows: 20 })
  // One job says that it is there and waits: an interrupt cannot come before it is in the foreground.
  await pty.sendInput(utf8('stty size; sh -c "echo now; sleep 60"; echo never\n'))
  await shows('20 70\r\nnow')
  await pty.sendInput(utf8('\x03'))
  await pty.sendInput(utf8('exit 5\n'))
  expect(await pty.wait()).toEqual({ exitCode: 5 })
  expect(shown).not.toContain('\nnever')
  expect(await codeOf(vm.pty.create({ columns: 0, rows: 1, onData: () => undefined }))).toBe('pty.size')
})

test('a server in the guest is reached from here, in a fork as well', async () => {
  const page = 'served by the guest'
  await vm.files.write('/srv/index.html', utf8(page))
  const server = await vm.commands.run('httpd -f -p 8000 -h /srv', { background: true })
  const read = async (machine: Machine): Promise<string> =>
    await (await fetch(`http://${await machine.getHost(8000)}/`)).text()
  // It listens a moment after it was started.
  await vm.commands.run('until netstat -ltn | grep -q :8000; do sleep 0.1; done', { timeoutMs: 30_000 })
  expect(await read(vm)).toBe(page)
  const [fork] = await vm.fork()
  if (!fork) throw new Error('no fork')
  expect(await read(fork)).toBe(page)
  await fork.kill()
  server.kill()
})

test('machines on one network reach each other, and its policy holds for them all', async () => {
  const attempts: string[] = []
  const network = new Network({ policy: { allow: [] }, onPolicy: ({ target }) => attempts.push(target) })
  const [a, b] = await Promise.all([1, 2].map(() => Machine.create('linux', { memory: '128M', network })))
  if (!a || !b) throw new Error('no machines')
  const address = "ip -4 -o addr show eth0 | sed 's/.*inet //; s/\\/.*//'"
  const addresses = await Promise.all([a, b].map(async vm => (await vm.commands.run(address)).stdout.trim()))
  expect(addresses.toSorted()).toEqual(['10.0.2.15', '10.0.2.16'])
  await a.commands.run('tail -f /dev/null | nc -l -p 7000 >/tmp/heard', { background: true })
  await a.commands.run('until netstat -ltn | grep -q :7000; do sleep 0.1; done', { timeoutMs: 30_000 })
  await b.commands.run(`head -c 5000000 /dev/zero | nc ${addresses[0]} 7000`, { timeoutMs: 60_000 })
  expect((await a.commands.run('wc -c </tmp/heard')).stdout).toBe('5000000\n')
  expect((await b.commands.run('nc -w 5 192.0.2.1 80 </dev/null')).exitCode).toBe(1)
  expect(attempts).toEqual(['192.0.2.1:80'])
  await Promise.all([a.kill(), b.kill()])
  network.close()
})

test('forks go on from one moment, each by itself, and the machine itself goes on too', async () => {
  await vm.files.write('/tmp/state', 'before')
  const sleeper = await vm.commands.run('sleep 0.5; echo done >/tmp/slept', { background: true })
  const forks = await vm.fork({ count: 2 })
  const all = [vm, ...forks]
  const beganMs = performance.now()
  await Promise.all(all.map((machine, i) => machine.files.write('/tmp/mine', String(i))))
  expect(await Promise.all(all.map(machine => machine.files.readText('/tmp/mine')))).toEqual(['0', '1', '2'])
  expect(await Promise.all(all.map(machine => machine.files.readText('/tmp/state')))).toEqual(Array(3).fill('before'))
  expect(await sleeper.wait()).toEqual({ exitCode: 0 })
  // What ran when the machine was forked runs on in each fork.
  const slept = async (machine: Machine): Promise<void> => {
    while (!(await machine.files.exists('/tmp/slept')) && performance.now() - beganMs < 30_000) continue
  }
  await Promise.all(forks.map(slept))
  expect(await Promise.all(forks.map(machine => machine.files.readText('/tmp/slept')))).toEqual(['done\n', 'done\n'])
  await Promise.all(forks.map(machine => machine.kill()))
  expect((await vm.commands.run('echo alive')).stdout).toBe('alive\n')
})

test('clones share neither randomness nor a stopped clock, nor who they are', async () => {
  const identity = 'cat /etc/machine-id /sys/class/net/eth0/address'
  await vm.files.write('/etc/machine-id', `${'0123456789abcdef'.repeat(2)}\n`)
  const own = (await vm.commands.run(identity)).stdout.split('\n')
  const snapshot = await vm.createSnapshot()
  await new Promise(resolve => setTimeout(resolve, 5000))
  const [a, b] = [await Machine.restore(snapshot), await Machine.restore(snapshot)]
  const random = async (machine: Machine): Promise<string> =>
    (await machine.commands.run('head -c 32 /dev/urandom | sha256sum')).stdout
  const seen = await Promise.all([random(a), random(b), random(vm)])
  expect(new Set(seen).size).toBe(3)
  expect((await a.commands.run('dmesg')).stdout).toContain('crng reseeded due to virtual machine fork')
  /** Changed by the agent, a moment after it goes on. */
  const changed = async (machine: Machine): Promise<string[]> => {
    const wait = `until ! cat /etc/machine-id /sys/class/net/eth0/address | grep -qx -e ${own[0]} -e ${own[1]}; do sleep 0.1; done`
    const { stdout } = await machine.commands.run(`${wait}; ${identity}`, { timeoutMs: 30_000 })
    return stdout.trim().split('\n')
  }
  const [ofA, ofB] = await Promise.all([changed(a), changed(b)])
  expect(ofA.map(line => line.length)).toEqual([32, 17])
  expect(new Set([...ofA, ...ofB]).size).toBe(4)
  const skewMs = Number((await a.commands.run('date +%s')).stdout) * 1000 - Date.now()
  expect(Math.abs(skewMs)).toBeLessThan(4500)
  await Promise.all([a.kill(), b.kill()])
})

test('a snapshot outlives its machine in a file, and a damaged one is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doppel-snapshot-'))
  const path = join(folder, 'a.snap')
  await vm.files.write('/tmp/kept', 'kept')
  await (await vm.createSnapshot()).save(path)
  const snapshot = Snapshot.open(path)
  const restored = await Machine.restore(snapshot)
  expect(await restored.files.readText('/tmp/kept')).toBe('kept')
  const again = await restored.fork()
  expect(await again[0]?.files.readText('/tmp/kept')).toBe('kept')
  await Promise.all([restored, ...again].map(machine => machine.kill()))
  await snapshot.close()
  const bytes = await readFile(path)
  await writeFile(path, bytes.subarray(0, bytes.length - 100))
  expect(() => Snapshot.open(path)).toThrow('damaged')
  await rm(folder, { recursive: true })
})

test('clones have disks of their own from the moment they were made; the image is its machine’s', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doppel-disks-'))
  const paths = ['raw.img', 'a.qcow2', 'b.img'].map(name => join(folder, name)) as [string, string, string]
  for (const path of [paths[0], paths[2]]) await writeFile(path, new Uint8Array(8 << 20))
  await createQcow2(paths[1], 8 << 20)
  const disks = [paths[0], paths[1], `${paths[2]}:overlay`]
  const other = await Machine.create('linux', { memory: '128M', disks })
  const write = async (machine: Machine, text: string): Promise<unknown> =>
    await machine.commands.run(`for d in vda vdb vdc; do echo ${text} >/dev/$d; done; sync`)
  const read = async (machine: Machine): Promise<string> => {
    const look = 'echo 3 >/proc/sys/vm/drop_caches; for d in vda vdb vdc; do head -n 1 /dev/$d; done'
    return (await machine.commands.run(look)).stdout.replaceAll('\n', ' ').trim()
  }
  await write(other, 'first')
  const [fork] = (await other.fork()) as [Machine]
  const [first, second] = [join(folder, 'first.snap'), join(folder, 'second.snap')]
  const snapshot = await other.createSnapshot()
  await write(other, 'own')
  await write(fork, 'clone')
  await snapshot.save(first)
  await (await other.createSnapshot()).save(second, { parent: first })
  expect(await Promise.all([other, fork].map(read))).toEqual(['own own own', 'clone clone clone'])
  expect((await stat(second)).size).toBeLessThan((await stat(first)).size / 3)
  // The image stays claimed while a clone reads it.
  await other.kill()
  expect(await codeOf(Machine.create('linux', { disks: [paths[0]] }))).toBe('disk.locked')
  expect(await read(fork)).toBe('clone clone clone')
  await fork.kill()
  await snapshot.close()
  for (const [path, text] of [
    [first, 'first first first'],
    [second, 'own own own'],
  ] as const) {
    const opened = Snapshot.open(path)
    const restored = await Machine.restore(opened)
    await opened.close()
    expect(await read(restored)).toBe(text)
    await restored.kill()
  }
  expect(new TextDecoder().decode((await readFile(paths[0])).subarray(0, 4))).toBe('own\n')
  // What lies over an image that has changed is not that any more.
  await writeFile(paths[2], new Uint8Array(8 << 20))
  await using stale = Snapshot.open(first)
  expect(await codeOf(Machine.restore(stale))).toBe('snapshot.disk')
  await rm(first)
  expect(() => Snapshot.open(second)).toThrow(/lies over .*first.snap, which cannot be read/)
  await rm(folder, { recursive: true })
})

test('a shared folder stays shared in a clone: what was open goes on, what has gone is stale', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doppel-shared-'))
  const other = await Machine.create('linux', { memory: '128M', volumes: [`${folder}:/here`] })
  const log = join(folder, 'deep', 'log')
  const grows = async (pastBytes: number): Promise<void> => {
    const size = async (): Promise<number> => (await stat(log).catch(() => ({ size: 0 }))).size
    for (let tries = 0; tries < 400 && (await size()) <= pastBytes; tries++) await new Promise(go => setTimeout(go, 50))
    expect(await size()).toBeGreaterThan(pastBytes)
  }
  await other.commands.run('mkdir /here/deep; echo x >/here/deep/gone')
  const write = 'cd /here/deep; exec 5>>log 6<gone; while :; do echo on >&5; sleep 0.1; done'
  const writer = await other.commands.run(write, { background: true })
  await grows(0)
  const path = join(folder, 'shared.snap')
  await using snapshot = await other.createSnapshot()
  await snapshot.save(path)
  writer.kill()
  await other.kill()
  await rename(join(folder, 'deep'), join(folder, 'deeper'))
  await rename(join(folder, 'deeper'), join(folder, 'deep'))
  await rm(join(folder, 'deep', 'gone'))
  const { size } = await stat(log)
  await using restored = await Machine.restore(Snapshot.open(path))
  await grows(size + 6)
  expect((await restored.commands.run('cat /here/deep/gone')).exitCode).toBe(1)
  expect((await restored.commands.run('ls /here/deep; echo new >/here/deep/new')).stdout).toBe('log\n')
  expect(await readFile(join(folder, 'deep', 'new'), 'utf8')).toBe('new\n')
  await restored.kill()
  await rm(folder, { recursive: true })
})

test('a machine told to stop powers itself off; what is asked of it afterwards is refused', async () => {
  const other = vm
  const pending = codeOf(other.commands.run('sleep 100'))
  await other.stop()
  expect(await other.wait()).toEqual({ kind: 'poweroff' })
  expect([await pending, await codeOf(other.commands.run('true'))]).toEqual(['machine.ended', 'machine.ended'])
  expect(await codeOf(other.pause())).toBe('machine.state')
})
