import { DoppelError } from '@doppel/base'
import type { PtySize } from '../../guest/pty.ts'
import { openTerminal, type Terminal } from '../../host/terminal.ts'
import type { Command, Invocation } from '../command.ts'
import { ask } from '../machines.ts'

/** `doppel exec`. */
export const execCommand: Command = {
  name: 'exec',
  summary: 'run a command in a machine: its output is ours, and so is its exit status',
  usage: '[FLAGS] MACHINE COMMAND [ARGUMENTS]',
  minArguments: 1,
  maxArguments: 1,
  takesRest: true,
  restAfter: 1,
  flags: [
    { name: 'interactive', short: 'i', summary: 'pass our input on' },
    { name: 'tty', short: 't', summary: 'run it on a terminal, which this one becomes; Ctrl-A x leaves' },
    { name: 'detach', short: 'd', summary: 'leave the command running, and print its process number' },
    { name: 'workdir', short: 'w', value: 'FOLDER', summary: "the command's folder in the guest" },
    { name: 'user', short: 'u', value: 'NAME', summary: 'run as this user of the guest' },
    { name: 'env', short: 'e', value: 'NAME=VALUE', multiple: true, summary: 'set a variable' },
  ],
  examples: [
    ['doppel exec web ls -l /', 'list a folder of the guest'],
    ['doppel exec -it web sh', 'a shell on this terminal'],
    ['doppel exec -i web sh', 'a shell that reads our input'],
    ['doppel exec -w /tmp -e A=1 web env', 'with a folder and a variable of its own'],
  ],
  async run(invocation) {
    const { arguments: names, rest, has, value, values } = invocation
    if (!rest || rest.length === 0) {
      throw new DoppelError('cli.arguments', 'no command for the machine; for example: doppel exec web uname -a')
    }
    const message = {
      op: 'exec',
      command: rest,
      cwd: value('workdir'),
      user: value('user'),
      env: values('env'),
      stdin: has('interactive'),
      detach: has('detach'),
    }
    if (has('tty')) return await onTerminal(invocation, names[0] ?? '', message)
    const answer = await ask(invocation, names[0] ?? '', message, {
      onOutput: bytes => void process.stdout.write(bytes),
      onErrors: bytes => void process.stderr.write(bytes),
      ...(has('interactive') && {
        input: line => {
          process.stdin.on('data', (bytes: Uint8Array) => void line.send(bytes))
          process.stdin.on('end', () => void line.send(undefined))
        },
      }),
    })
    process.stdin.pause()
    process.stdin.unref?.()
    if (!has('detach')) return Number(answer['exitCode'])
    invocation.streams.stdout(`${String(answer['pid'])}\n`)
    return 0
  },
}

/** The guest's command has a terminal, and ours is it. */
async function onTerminal(
  invocation: Invocation,
  which: string,
  message: Readonly<Record<string, unknown>>,
): Promise<number> {
  const leave = new AbortController()
  const terminal = openTerminal(() => leave.abort())
  try {
    const tty = sizeOf(terminal)
    const answer = await ask(
      invocation,
      which,
      { ...message, tty },
      {
        signal: leave.signal,
        onOutput: bytes => terminal.write(bytes),
        input: line => {
          terminal.onInput(bytes => void line.send(bytes))
          terminal.onResize?.(() => line.say({ resize: sizeOf(terminal) }))
        },
      },
    )
    return Number(answer['exitCode'] ?? 0)
  } finally {
    await terminal.close()
  }
}

/** The terminal's size, or a usual one. */
function sizeOf(terminal: Terminal): PtySize {
  return terminal.size() ?? { columns: 80, rows: 24 }
}
