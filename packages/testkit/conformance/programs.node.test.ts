import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ECHO, systemVolume } from '../../pcode/test/ucsd/small-system.ts'
import { doppel, TerminalSession, DOPPEL } from './doppel-process.ts'

const cwd = mkdtempSync(join(tmpdir(), 'doppel-programs-'))
const env = { XDG_RUNTIME_DIR: cwd }
afterAll(() => rmSync(cwd, { recursive: true }))

const out = async (...words: string[]): Promise<string> => {
  const { stdout, stderr } = await doppel(words, { cwd, env })
  return stdout.toString() + stderr.toString()
}
interface Listed {
  readonly name: string
  readonly state: string
  readonly ended?: { readonly exitCode: number }
}
const listed = async (name: string): Promise<Listed | undefined> =>
  (JSON.parse(await out('ps', '--all', '--json')) as Listed[]).find(entry => entry.name === name)
const ended = async (name: string): Promise<number | undefined> => {
  for (;;) {
    const entry = await listed(name)
    if (entry?.state !== 'running') return entry?.ended?.exitCode
  }
}

const COUNTING = `program counting(output);
var n: integer;
begin
  n := 0;
  while true do begin
    n := (n + 1) mod 1000000;
    if n = 0 then writeln('again')
  end
end.`
const ASKING = `program asking(input, output);
var n: integer;
begin
  while not eof do begin readln(n); writeln('twice ', 2 * n : 1) end;
  writeln('bye')
end.`
const SERVING = `import java.util.*;
public class Serving {
  public static void main(String[] words) {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
    System.out.println("serves " + words[0]);
    Scanner in = new Scanner(System.in);
    while (in.hasNextLine()) System.out.println("got " + in.nextLine());
  }
}`

test('a Pascal program that computes is held, slowed and ended as any machine is', async () => {
  writeFileSync(join(cwd, 'counting.pas'), COUNTING)
  await out('run', '-d', '--name', 'counting', 'counting.pas')
  expect((await listed('counting'))?.state).toBe('running')
  await out('pause', 'counting')
  const before = await out('logs', 'counting')
  expect((await listed('counting'))?.state).toBe('paused')
  expect(await out('logs', 'counting')).toBe(before)
  await out('resume', 'counting')
  while ((await out('logs', 'counting')) === before);
  await out('set', '--cap', '0.25', 'counting')
  expect(JSON.parse(await out('inspect', 'counting'))).toMatchObject([
    { state: 'running', cap: 0.25, program: 'pascal' },
  ])
  expect(await out('set', '--memory', '64M', 'counting')).toContain('[machine.kind]')
  expect(await out('exec', 'counting', 'ls')).toContain('[control.operation]')
  await out('kill', 'counting')
  expect(await ended('counting')).toBe(137)
  expect(await out('rm', 'counting')).toBe('counting\n')
})

test('a program that was created runs each time it is started; a terminal can be attached to it', async () => {
  writeFileSync(join(cwd, 'asking.pas'), ASKING)
  await out('create', '--name', 'asking', 'asking.pas')
  for (let run = 1; run <= 2; run++) {
    await out('start', 'asking')
    const terminal = new TerminalSession(`${process.execPath} ${DOPPEL} attach asking`, env)
    terminal.type('2a\x7f1\r')
    await terminal.shows(/twice 42/)
    terminal.type('\x04')
    await terminal.ended
    expect(await ended('asking')).toBe(0)
    expect(await out('logs', 'asking')).toBe('twice 42\nbye\n'.repeat(run))
  }
  await out('rm', 'asking')
})

test('what is wrong with a program is said before anything is recorded', async () => {
  writeFileSync(join(cwd, 'wrong.pas'), 'program wrong; begin x := 1 end.')
  expect(await out('run', '-d', '--name', 'wrong', 'wrong.pas')).toContain('wrong.pas:1:22: error')
  expect(await out('run', '-d', 'missing.pas')).toContain('[pascal.file]')
  expect(await listed('wrong')).toBeUndefined()
})

test('a Java program is asked to end: its shutdown hooks run', async () => {
  writeFileSync(join(cwd, 'Serving.java'), SERVING)
  execFileSync('javac', ['Serving.java'], { cwd })
  await out('run', '-d', '--name', 'serving', '-cp', '.', 'Serving', '--', 'all')
  while (!(await out('logs', 'serving')).includes('serves all'));
  const terminal = new TerminalSession(`${process.execPath} ${DOPPEL} attach serving`, env)
  terminal.type('hello\r')
  await terminal.shows(/got hello/)
  await out('stop', 'serving')
  await terminal.ended
  expect(await ended('serving')).toBe(143)
  expect(await out('logs', 'serving')).toBe('serves all\ngot hello\nhook\n')
  await out('rm', 'serving')
})

test('a p-System goes on without a terminal, and its volume is its own meanwhile', async () => {
  writeFileSync(join(cwd, 'system.vol'), systemVolume(ECHO))
  await out('run', '-d', '--name', 'system', 'system.vol')
  expect(await out('run', 'system.vol')).toContain('[disk.locked]')
  const terminal = new TerminalSession(`${process.execPath} ${DOPPEL} attach system`, env)
  terminal.type('abQ')
  await terminal.ended
  expect(await ended('system')).toBe(0)
  expect(await out('logs', 'system')).toBe('>ab0')
  await out('rm', 'system')
})

test('a program at a terminal is listed by its name, and ended from elsewhere', async () => {
  const here = doppel(['run', '--name', 'here', 'counting.pas'], { cwd, env })
  while ((await listed('here'))?.state !== 'running');
  await out('kill', 'here')
  expect((await here).status).toBe(137)
  expect(await listed('here')).toBeUndefined()
})
