import { DoppelError, type SourceFrame, type SourceScope } from '@doppel/base'
import type { TerminalDebugger } from './terminal-debugger.ts'

/** One command of a terminal's debugger. */
interface DebugCommand {
  readonly name: string
  /** Other spellings, where the beginning of the name is not meant. */
  readonly aliases?: readonly string[]
  readonly usage?: string
  readonly summary: string
  run(on: TerminalDebugger, words: string): Promise<void> | void
}

const MAX_FRAMES = 50
/** Parts of a value shown by `print`. */
const MAX_PARTS = 100

/** One row for each command. */
const COMMANDS: readonly DebugCommand[] = [
  {
    name: 'break',
    usage: '[FILE:]LINE|ROUTINE [if EXPRESSION]',
    summary: 'stop there, where the expression is true',
    run: (on, words) => addBreakpoint(on, words),
  },
  { name: 'breakpoints', aliases: ['info'], summary: 'list the breakpoints', run: on => listBreakpoints(on) },
  {
    name: 'delete',
    usage: '[NUMBER]',
    summary: 'take a breakpoint away, or all of them',
    run: (on, words) => deleteBreakpoints(on, words),
  },
  { name: 'continue', aliases: ['c', 'r', 'run'], summary: 'go on', run: async on => await on.run('continue') },
  {
    name: 'next',
    aliases: ['n'],
    summary: 'to the next line, over what it calls',
    run: async on => await on.run('over'),
  },
  {
    name: 'step',
    aliases: ['s'],
    summary: 'to the next line, into what it calls',
    run: async on => await on.run('into'),
  },
  {
    name: 'reverse-next',
    aliases: ['rn'],
    summary: 'back to the line before, over what it called',
    run: async on => await on.goBack('over'),
  },
  {
    name: 'reverse-continue',
    aliases: ['rc'],
    summary: 'back to a breakpoint, or to the last write of what is watched',
    run: async on => await on.goBack('continue'),
  },
  {
    name: 'watch',
    usage: '[VARIABLE]',
    summary: 'stop where it gets another value, beside those watched already; alone: watch nothing',
    run: (on, words) => watch(on, words),
  },
  { name: 'finish', summary: 'until this routine has returned', run: async on => await on.run('out') },
  {
    name: 'print',
    aliases: ['p'],
    usage: 'EXPRESSION',
    summary: 'show a value',
    run: (on, words) => print(on, words),
  },
  {
    name: 'set',
    usage: 'VARIABLE := EXPRESSION',
    summary: 'give a variable a value',
    run: (on, words) => assign(on, words),
  },
  {
    name: 'display',
    usage: '[EXPRESSION]',
    summary: 'show a value at each stop, or those shown now',
    run: (on, words) => {
      if (words === '') for (const expression of on.displays) on.show(expression)
      else {
        on.displays.push(words)
        on.show(words)
      }
    },
  },
  {
    name: 'undisplay',
    summary: 'show nothing more at each stop',
    run: on => {
      on.displays.length = 0
    },
  },
  {
    name: 'locals',
    summary: "show the routine's variables",
    run: on => showScope(on, on.target.scopes(on.frame, on.thread)[0]),
  },
  {
    name: 'globals',
    summary: "show the program's variables",
    run: on => showScope(on, on.target.scopes(on.frame, on.thread).at(-1)),
  },
  { name: 'backtrace', aliases: ['bt', 'where'], summary: 'show the calls that led here', run: on => backtrace(on) },
  {
    name: 'frame',
    usage: '[NUMBER]',
    summary: 'look from one of these calls',
    run: (on, words) => select(on, words === '' ? on.frame : Number(words)),
  },
  { name: 'up', summary: 'look from the caller', run: on => select(on, on.frame + 1) },
  { name: 'down', summary: 'look from what it called', run: on => select(on, on.frame - 1) },
  {
    name: 'list',
    aliases: ['l'],
    usage: '[LINE]',
    summary: 'show the source',
    run: (on, words) => on.list(words === '' ? undefined : lineNumber(words)),
  },
  { name: 'help', aliases: ['h', '?'], summary: 'this list', run: on => help(on) },
  { name: 'quit', aliases: ['q', 'exit'], summary: 'leave; the program ends', run: on => on.leave() },
]

/** A command by its name, an alias or what it alone begins with; a sentence that says what is wrong. */
export function findCommand(word: string): DebugCommand | string {
  const exact = COMMANDS.find(({ name, aliases }) => name === word || aliases?.includes(word))
  if (exact) return exact
  const begun = COMMANDS.filter(({ name }) => name.startsWith(word))
  if (begun.length === 0) return `there is no command '${word}'; see help`
  const [first] = begun
  // `b` is what everybody types for the first of them.
  return begun.length === 1 || word === 'b'
    ? (first as DebugCommand)
    : `'${word}' may be ${begun.map(({ name }) => name).join(' or ')}`
}

function lineNumber(text: string): number {
  const line = Number(text)
  if (Number.isSafeInteger(line) && line > 0) return line
  throw new DoppelError('debug.command', `'${text}' is no line`)
}

function addBreakpoint(on: TerminalDebugger, words: string): void {
  const [, place = '', condition] = /^(.*?)(?:\s+if\s+(.*))?$/s.exec(words) ?? []
  if (place === '') throw new DoppelError('debug.command', 'where? expected break LINE or break ROUTINE')
  const [, file, line] = /^(?:(.*):)?(\d+)$/.exec(place) ?? []
  const wanted = line === undefined ? entryOf(on, place) : { file: fileOf(on, file), line: lineNumber(line) }
  const { line: found, problem } = on.add({ file: wanted.file, line: wanted.line, condition })
  if (found === undefined) {
    throw new DoppelError('debug.command', problem ?? `${wanted.file} has no code from line ${wanted.line} on`)
  }
  on.write(`breakpoint ${on.breakpoints.at(-1)?.number}: ${wanted.file}:${found}\n`)
}
/** Where a routine begins. */
function entryOf(on: TerminalDebugger, routine: string): SourceFrame {
  const [entry] = on.target.setRoutineBreakpoints([routine])
  // Only asked: a breakpoint of a line can have a condition.
  on.target.setRoutineBreakpoints([])
  if (!entry) throw new DoppelError('debug.command', `there is no routine ${routine}`)
  return entry
}
/** A file by the end of its path; the one that is looked at where none is named. */
function fileOf(on: TerminalDebugger, name: string | undefined): string {
  if (name === undefined) return on.target.frames(on.thread)[on.frame]?.file || (on.target.files[0] ?? '')
  return on.target.files.find(file => file === name || file.endsWith(`/${name}`)) ?? name
}
function listBreakpoints(on: TerminalDebugger): void {
  if (on.breakpoints.length === 0) on.write('there are no breakpoints\n')
  for (const b of on.breakpoints) {
    const condition = b.condition === undefined ? '' : ` if ${b.condition}`
    on.write(`${String(b.number).padStart(3)}  ${b.file}:${b.line}${condition}\n`)
  }
}
function deleteBreakpoints(on: TerminalDebugger, words: string): void {
  const number = Number(words)
  if (words !== '' && !on.breakpoints.some(b => b.number === number)) {
    throw new DoppelError('debug.command', `there is no breakpoint ${words}`)
  }
  on.place(words === '' ? [] : on.breakpoints.filter(b => b.number !== number))
}

function watch(on: TerminalDebugger, words: string): void {
  const { machine } = on.target
  if (!machine) throw new DoppelError('debug.command', 'variables of this language cannot be watched')
  if (words === '') {
    on.watched = []
    machine.setDataBreakpoints([])
    return
  }
  const { memory } = on.target.evaluate(on.frame, words, on.thread)
  if (!memory) throw new DoppelError('debug.value', `${words} is not in memory`)
  const watched = [...on.watched, { ...memory, kind: 'write' as const, name: words }]
  const problem = machine.setDataBreakpoints(watched).at(-1)
  if (problem !== undefined) {
    machine.setDataBreakpoints(on.watched)
    throw new DoppelError('debug.command', problem)
  }
  on.watched = watched
}
function print(on: TerminalDebugger, expression: string): void {
  const value = on.target.evaluate(on.frame, expression, on.thread)
  on.write(`${value.text}\n`)
  if (!value.text.includes('…')) return
  for (const part of value.part(0, MAX_PARTS)) on.write(`  ${part.name} = ${part.value.text}\n`)
  if (value.parts > MAX_PARTS) on.write(`  … and ${value.parts - MAX_PARTS} more\n`)
}
function assign(on: TerminalDebugger, words: string): void {
  const [, variable, text] = /^(.*?)\s*:=\s*(.*)$/s.exec(words) ?? []
  if (variable === undefined || text === undefined)
    throw new DoppelError('debug.command', 'expected set VARIABLE := VALUE')
  const value = on.target.evaluate(on.frame, variable, on.thread)
  if (!value.assign) throw new DoppelError('debug.value', `${variable} cannot be given a value`)
  value.assign(text)
  on.show(variable)
}
function showScope(on: TerminalDebugger, scope: SourceScope | undefined): void {
  const variables = scope?.variables() ?? []
  if (variables.length === 0) on.write('there are none\n')
  for (const { name, value } of variables) on.write(`${name} = ${value.text}\n`)
}
function backtrace(on: TerminalDebugger): void {
  const frames = on.target.frames(on.thread)
  frames.slice(0, MAX_FRAMES).forEach((frame, i) => {
    const where = frame.line === 0 ? '' : ` at ${frame.file}:${frame.line}`
    on.write(`${i === on.frame ? '>' : ' '}#${i} ${frame.name}${where}\n`)
  })
  if (frames.length > MAX_FRAMES) on.write(` … and ${frames.length - MAX_FRAMES} more\n`)
}
function select(on: TerminalDebugger, frame: number): void {
  const found = on.target.frames(on.thread)[frame]
  if (!found) throw new DoppelError('debug.command', 'there is no such frame')
  on.frame = frame
  on.write(`#${frame} ${found.name} at ${found.file}:${found.line}\n`)
  on.showLine()
}
function help(on: TerminalDebugger): void {
  const heads = COMMANDS.map(({ name, usage }) => (usage === undefined ? name : `${name} ${usage}`))
  const width = Math.max(...heads.map(({ length }) => length))
  COMMANDS.forEach(({ summary }, i) => on.write(`${(heads[i] as string).padEnd(width)}  ${summary}\n`))
  on.write('An empty line does again what the last one did; names may be shortened.\n')
}
