import {
  DoppelError,
  type PlacedBreakpoint,
  type SourceBreakpoint,
  type SourceRun,
  type SourceValue,
  type SourceVariable,
} from '@doppel/base'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Arguments } from './arguments.ts'
import { frameId, framePlace } from './frame-ids.ts'
import { MACHINE_ROWS } from './machine-requests.ts'
import type { DapSession } from './session.ts'
import { sourceOf } from './sources.ts'

/** Answers a request with its body. */
export type Handler = (on: DapSession, given: Arguments) => object | undefined | Promise<object | undefined>

/** Variables beyond this are asked for in stretches. */
const INDEXED_FROM = 100
const MAX_BREAKPOINTS = 10_000

/** Those of any program; what a target has beyond them it says when it is there. */
const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsEvaluateForHovers: true,
  supportsSetVariable: true,
  supportsSetExpression: true,
  supportsTerminateRequest: true,
  supportsExceptionInfoRequest: true,
  supportsDelayedStackTraceLoading: true,
}

/** One row for each request that is answered (Debug Adapter Protocol, "Requests"). */
const ROWS: Readonly<Record<string, Handler>> = {
  initialize: (on, given) => {
    on.lineShift = given.isSet('linesStartAt1', true) ? 0 : -1
    return CAPABILITIES
  },
  launch: async (on, given) => {
    await on.start(given)
    return undefined
  },
  attach: async (on, given) => {
    await on.start(given, { attaches: true })
    return undefined
  },
  configurationDone: () => undefined,
  setExceptionBreakpoints: () => ({ breakpoints: [] }),
  setBreakpoints: setBreakpoints,
  setFunctionBreakpoints: (on, given) => {
    const names = given.list('breakpoints').map(breakpoint => breakpoint.text('name'))
    const placed = on.program.target.setRoutineBreakpoints(names)
    return {
      breakpoints: placed.map((frame, i) =>
        frame
          ? { verified: true, line: frame.line + on.lineShift, source: sourceOf(on, frame.file) }
          : { verified: false, message: `there is no routine ${names[i]}` },
      ),
    }
  },
  threads: on => {
    const threads = on.program.target.threads?.() ?? [{ id: 0, name: 'main' }]
    return { threads: threads.map(({ id, name }) => ({ id: id + 1, name })) }
  },
  stackTrace: (on, given) => {
    const thread = threadOf(given)
    const frames = on.target.frames(thread)
    const first = given.count('startFrame', 0)
    const count = given.count('levels', 0) || frames.length
    return {
      totalFrames: frames.length,
      stackFrames: frames.slice(first, first + count).map(({ name, file, line, address }, i) => ({
        id: frameId(thread, first + i),
        name,
        ...(address !== undefined && { instructionPointerReference: `0x${address.toString(16)}` }),
        line: line === 0 ? 0 : line + on.lineShift,
        column: 1,
        ...(line === 0 ? {} : { source: sourceOf(on, file) }),
      })),
    }
  },
  scopes: (on, given) => ({
    scopes: on.target.scopes(...framePlace(given.count('frameId', 0))).map(({ name, variables }, i) => ({
      name,
      ...(i === 0 && { presentationHint: 'locals' }),
      ...(name === 'Registers' && { presentationHint: 'registers' }),
      expensive: false,
      variablesReference: on.handles.of((first, count) => variables().slice(first, first + count)),
    })),
  }),
  variables: (on, given) => {
    const parts = on.handles.parts(given.count('variablesReference'), given.count('start', 0), given.count('count', 0))
    if (!parts) throw new DoppelError('dap.handle', 'what was shown is gone: the program has run since')
    return { variables: parts.map(part => shown(on, part)) }
  },
  setVariable: (on, given) => {
    const parts = on.handles.parts(given.count('variablesReference')) ?? []
    const name = given.text('name')
    const { value } = parts.find(part => part.name === name) ?? {}
    if (!value?.assign) throw new DoppelError('debug.value', `${name} cannot be given a value`)
    value.assign(given.text('value'))
    return { value: value.text, type: value.type, variablesReference: on.handles.ofValue(value) }
  },
  setExpression: (on, given) => {
    const value = on.evaluate(given, given.text('expression'))
    if (!value.assign) throw new DoppelError('debug.value', 'this cannot be given a value')
    value.assign(given.text('value'))
    return { value: value.text, type: value.type, variablesReference: on.handles.ofValue(value) }
  },
  evaluate: (on, given) => {
    const text = given.text('expression')
    if (given.optionalText('context') === 'repl' && on.isRunning) {
      // A program that runs is typed to; there is no other way from a client's console.
      on.program.give(`${text}\n`)
      return { result: '', variablesReference: 0 }
    }
    const value = on.evaluate(given, text)
    return { result: value.text, type: value.type, variablesReference: on.handles.ofValue(value), ...memoryOf(value) }
  },
  exceptionInfo: on => {
    if (on.problem === undefined) throw new DoppelError('dap.order', 'the program broke no rule')
    const id = /\[([\w.-]+)\]$/.exec(on.problem)?.[1] ?? 'error'
    return { exceptionId: id, description: on.problem, breakMode: 'always' }
  },
  continue: (on, given) => {
    running('continue')(on, given)
    return { allThreadsContinued: true }
  },
  next: running('over'),
  stepIn: running('into'),
  stepOut: running('out'),
  stepBack: returning('over'),
  reverseContinue: returning('continue'),
  pause: on => {
    on.program.target.pause()
    return undefined
  },
  terminate: async on => {
    on.program.target.pause()
    await on.program.end()
    return undefined
  },
  disconnect: () => undefined,
  ...MACHINE_ROWS,
}

/** Requests by name. */
export const REQUESTS: ReadonlyMap<string, Handler> = new Map(Object.entries(ROWS))

function running(how: SourceRun): (on: DapSession, given: Arguments) => undefined {
  return (on, given) => {
    const thread = threadOf(given)
    const { target } = on
    const { machine } = target
    const isInstruction = given.optionalText('granularity') === 'instruction' && how !== 'continue'
    on.run(isInstruction && machine ? () => machine.step(thread) : () => target.run(how, thread))
    return undefined
  }
}
function returning(how: 'over' | 'continue'): (on: DapSession, given: Arguments) => undefined {
  return (on, given) => {
    const { goBack } = on.target
    const thread = threadOf(given)
    if (!goBack) {
      throw new DoppelError(
        'dap.back',
        'its past is not kept: only a deterministic run or a replay can be gone back in',
      )
    }
    const isInstruction = given.optionalText('granularity') === 'instruction'
    on.run(() => goBack(isInstruction ? 'instruction' : how, thread))
    return undefined
  }
}
function threadOf(given: Arguments): number {
  return Math.max(0, given.count('threadId', 1) - 1)
}
function memoryOf({ memory }: SourceValue): { readonly memoryReference?: string } {
  return memory ? { memoryReference: `0x${memory.address.toString(16)}` } : {}
}
function shown(on: DapSession, { name, value }: SourceVariable): DebugProtocol.Variable {
  return {
    name,
    value: value.text,
    type: value.type,
    variablesReference: on.handles.ofValue(value),
    ...memoryOf(value),
    ...(value.parts > INDEXED_FROM && { indexedVariables: value.parts }),
  }
}

function setBreakpoints(on: DapSession, given: Arguments): object {
  const { target, fileOf } = on.program
  const wanted = given.list('breakpoints')
  if (wanted.length > MAX_BREAKPOINTS) throw new DoppelError('dap.limit', `more than ${MAX_BREAKPOINTS} breakpoints`)
  const file = fileOf(given.object('source').text('path'))
  if (file === undefined) {
    return { breakpoints: wanted.map(() => ({ verified: false, message: 'the program has no code of this file' })) }
  }
  const read = wanted.map(one => readBreakpoint(on, one))
  const usable = read.filter(one => one.problem === undefined)
  const placed = target
    .setBreakpoints(
      file,
      usable.map(one => one.breakpoint),
    )
    .values()
  return {
    breakpoints: read.map(one => {
      const { line, problem = one.problem } = one.problem === undefined ? (placed.next().value ?? one) : one
      if (line !== undefined) return { verified: true, line: line + on.lineShift }
      return { verified: false, message: problem ?? 'there is no code from here on' }
    }),
  }
}

function readBreakpoint(
  on: DapSession,
  given: Arguments,
): PlacedBreakpoint & { readonly breakpoint: SourceBreakpoint } {
  const hits = given.optionalText('hitCondition')
  const count = /^\s*(?:>=?\s*)?(\d{1,9})\s*$/.exec(hits ?? '1')?.[1]
  return {
    line: undefined,
    breakpoint: {
      line: given.count('line') - on.lineShift,
      condition: given.optionalText('condition'),
      message: given.optionalText('logMessage'),
      hits: Number(count ?? 1),
    },
    ...(count === undefined && { problem: `'${hits}' is no number of arrivals` }),
  }
}
