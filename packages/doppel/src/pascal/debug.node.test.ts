import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { utf8Text } from '@doppel/base'
import { DapSession } from '@doppel/monitor'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { launchPascal } from './debug-adapter.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const TEXT = `program tour(input, output);
type link = ^node; node = record value: integer; next: link end;
var list: link; n: integer;
procedure push(var head: link; value: integer);
var fresh: link;
begin
  new(fresh);
  fresh^.value := value;
  fresh^.next := head;
  head := fresh
end;
begin
  list := nil;
  readln(n);
  while n > 0 do begin
    push(list, n);
    n := n - 1
  end;
  writeln(list^.value:1);
  writeln(1 div n)
end.
`
let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-debug-'))
  path = join(folder, 'tour.pas')
  writeFileSync(path, TEXT)
})
afterEach(() => rmSync(folder, { recursive: true }))

function typed(...lines: readonly string[]): { status: number | null; out: readonly string[] } {
  const words = ['--conditions=source', MAIN, 'run', '--debug', 'tour.pas']
  const input = `${lines.join('\n')}\n`
  const { status, stdout } = spawnSync(process.execPath, words, { cwd: folder, input, encoding: 'utf8' })
  return { status, out: stdout.trimEnd().split('\n') }
}

describe('the debugger of a terminal', () => {
  test('stops at a routine under a condition, shows where and what, and changes it', () => {
    const { status, out } = typed(
      'break push if value = 2',
      'continue',
      '3',
      'bt',
      'locals',
      'p head^',
      'set value := 20',
      'finish',
      'p list^',
      'q',
    )
    expect(status).toBe(0)
    expect(out.map(line => line.replace(/\^[0-9a-f]+/g, '^'))).toEqual([
      '   13    list := nil;',
      'breakpoint 1: tour.pas:7',
      'push at tour.pas:7',
      '    7    new(fresh);',
      '>#0 push at tour.pas:7',
      ' #1 tour at tour.pas:16',
      'head = ^',
      'value = 2',
      'fresh = undefined',
      '(value: 3, next: nil)',
      'value = 20',
      'tour at tour.pas:17',
      '   17      n := n - 1',
      '(value: 20, next: ^)',
    ])
  })

  test('stops at the error that ends a program, which then has its status', () => {
    const { status, out } = typed('c', '2', 'p list^.value * 10', 'c')
    expect(status).toBe(1)
    expect(out.slice(1)).toEqual([
      '1',
      'error: division by zero (6.7.2.2) [pascal.division]',
      'tour at tour.pas:20',
      '   20    writeln(1 div n)',
      '10',
      'the program has ended with status 1',
    ])
  })

  test('says what it did not understand, and goes on', () => {
    const { out } = typed(
      'frobnicate',
      'break 99',
      'break nobody',
      'p (',
      'frame 7',
      'delete 4',
      'b 8 if )',
      'breakpoints',
      'q',
    )
    expect(out.slice(1)).toEqual([
      "there is no command 'frobnicate'; see help",
      'tour.pas has no code from line 99 on',
      'there is no routine nobody',
      expect.stringContaining('expected an expression'),
      'there is no such frame',
      'there is no breakpoint 4',
      expect.stringContaining('expected an expression'),
      'there are no breakpoints',
    ])
  })
})

interface Message {
  readonly type: string
  readonly command?: string
  readonly event?: string
  readonly success?: boolean
  readonly message?: string
  readonly body?: Record<string, unknown>
}

/** A client that speaks with a session in this process. */
class Client {
  readonly messages: Message[] = []
  isClosed = false
  #seen = 0
  #arrived: (() => void) | undefined
  readonly #session = new DapSession(
    launchPascal,
    bytes => {
      this.messages.push(JSON.parse(utf8Text(bytes).replace(/^[^{]*/, '')) as Message)
      this.#arrived?.()
    },
    () => {
      this.isClosed = true
    },
  )

  send(bytes: Uint8Array): void {
    this.#session.receive(bytes)
  }
  async ask(command: string, args: object = {}): Promise<Message> {
    const body = JSON.stringify({ seq: 1, type: 'request', command, arguments: args })
    this.send(Buffer.from(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`))
    return await this.until(message => message.type === 'response' && message.command === command)
  }
  /** The next message of a kind. */
  async until(isIt: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      while (this.#seen < this.messages.length) {
        const message = this.messages[this.#seen++] as Message
        if (isIt(message)) return message
      }
      await new Promise<void>(resolve => {
        this.#arrived = resolve
      })
    }
  }
  async event(name: string): Promise<Message> {
    return await this.until(message => message.event === name)
  }
}

describe('a debug adapter', () => {
  test('debugs a program as an editor asks', async () => {
    const client = new Client()
    expect((await client.ask('initialize', { adapterID: 'doppel' })).body).toMatchObject({
      supportsConditionalBreakpoints: true,
    })
    expect(await client.ask('launch', { program: 'tour.pas', cwd: folder, input: '2\n' })).toMatchObject({
      success: true,
    })
    await client.event('initialized')
    const placed = await client.ask('setBreakpoints', {
      source: { path },
      breakpoints: [{ line: 9, condition: 'value = 1' }, { line: 99 }, { line: 8, condition: 'value =' }],
    })
    expect(placed.body).toMatchObject({
      breakpoints: [
        { verified: true, line: 9 },
        { verified: false },
        { verified: false, message: expect.any(String) as string },
      ],
    })
    await client.ask('configurationDone')
    expect((await client.event('stopped')).body).toMatchObject({ reason: 'breakpoint', threadId: 1 })
    const { stackFrames } = (await client.ask('stackTrace', { threadId: 1 })).body as { stackFrames: { id: number }[] }
    expect(stackFrames).toMatchObject([
      { name: 'push', line: 9, source: { path } },
      { name: 'tour', line: 16 },
    ])
    const { scopes } = (await client.ask('scopes', { frameId: stackFrames[0]?.id })).body as {
      scopes: { name: string; variablesReference: number }[]
    }
    expect(scopes.map(({ name }) => name)).toEqual(['push', 'tour'])
    const variablesReference = scopes[0]?.variablesReference
    const { variables } = (await client.ask('variables', { variablesReference })).body as {
      variables: { name: string; value: string; variablesReference: number }[]
    }
    expect(variables.map(({ name }) => name)).toEqual(['head', 'value', 'fresh'])
    const fresh = await client.ask('variables', { variablesReference: variables[2]?.variablesReference })
    expect(fresh.body).toMatchObject({ variables: [{ name: '^', value: '(value: 1, next: undefined)' }] })
    expect((await client.ask('setVariable', { variablesReference, name: 'value', value: '7' })).body).toMatchObject({
      value: '7',
    })
    expect(await client.ask('setVariable', { variablesReference, name: 'value', value: "'x'" })).toMatchObject({
      success: false,
      message: 'debug.value',
    })
    expect(
      (await client.ask('evaluate', { expression: 'head^.value + value', frameId: stackFrames[0]?.id })).body,
    ).toMatchObject({ result: '9' })
    await client.ask('next', { threadId: 1 })
    expect((await client.event('stopped')).body).toMatchObject({ reason: 'step' })
    expect(await client.ask('variables', { variablesReference })).toMatchObject({
      success: false,
      message: 'dap.handle',
    })
    await client.ask('continue', { threadId: 1 })
    expect((await client.event('output')).body).toMatchObject({ category: 'stdout', output: '1\n' })
    expect((await client.event('stopped')).body).toMatchObject({
      reason: 'exception',
      text: expect.stringContaining('division') as string,
    })
    expect((await client.ask('exceptionInfo', { threadId: 1 })).body).toMatchObject({ exceptionId: 'pascal.division' })
    await client.ask('continue', { threadId: 1 })
    expect((await client.event('exited')).body).toEqual({ exitCode: 1 })
    await client.event('terminated')
    await client.ask('disconnect')
    expect(client.isClosed).toBe(true)
  })

  test('types what a client enters while the program waits, and pauses it there', async () => {
    const client = new Client()
    await client.ask('launch', { program: path })
    await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'PUSH' }, { name: 'pull' }] })
    await client.ask('configurationDone')
    await client.ask('pause', { threadId: 1 })
    expect((await client.event('stopped')).body).toMatchObject({ reason: 'pause' })
    expect((await client.ask('stackTrace', { threadId: 1 })).body).toMatchObject({
      stackFrames: [{ name: 'tour', line: 14 }],
    })
    await client.ask('continue', { threadId: 1 })
    expect(await client.ask('stackTrace', { threadId: 1 })).toMatchObject({ success: false, message: 'dap.order' })
    await client.ask('evaluate', { expression: '5', context: 'repl' })
    expect((await client.event('stopped')).body).toMatchObject({ reason: 'breakpoint' })
    expect((await client.ask('evaluate', { expression: 'value', frameId: 1 })).body).toMatchObject({ result: '5' })
  })

  test('tells why a program cannot be launched', async () => {
    const client = new Client()
    expect(await client.ask('launch', { program: join(folder, 'none.pas') })).toMatchObject({
      success: false,
      message: 'pascal.file',
    })
    writeFileSync(path, 'program p; begin x := 1 end.')
    expect(await client.ask('launch', { program: path })).toMatchObject({ success: false, message: 'dap.program' })
    expect(
      client.messages.some(
        ({ event, body }) => event === 'output' && String(body?.['output']).includes('pascal.undeclared'),
      ),
    ).toBe(true)
    expect(await client.ask('launch', {})).toMatchObject({ message: 'dap.argument' })
    expect(await client.ask('attach')).toMatchObject({ message: 'dap.attach' })
    expect(await client.ask('jump')).toMatchObject({ message: 'dap.request' })
    expect(await client.ask('scopes', { frameId: 1 })).toMatchObject({ message: 'dap.order' })
    client.send(Buffer.from('nonsense\r\n\r\n'))
    expect(client.isClosed).toBe(true)
  })

  test('answers whatever requests hold', async () => {
    const commands = [
      'setBreakpoints',
      'stackTrace',
      'scopes',
      'variables',
      'evaluate',
      'setVariable',
      'setExpression',
      'initialize',
      'launch',
    ]
    const client = new Client()
    await client.ask('launch', { program: path, stopOnEntry: true })
    await client.ask('configurationDone')
    const names = [
      'source',
      'path',
      'breakpoints',
      'frameId',
      'variablesReference',
      'start',
      'count',
      'expression',
      'name',
      'value',
      'levels',
      'program',
      'args',
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...commands),
        fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 2 })),
        async (command, args) => {
          const answer = await client.ask(command, args)
          expect(typeof answer.success).toBe('boolean')
        },
      ),
      { numRuns: 300 },
    )
  })
})
