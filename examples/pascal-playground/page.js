// @ts-check
import { compilePascal, Problem, renderDiagnostic, runProgram } from '@doppel/pcode'
import { ProgramDebugger } from '@doppel/pcode/debug'
import { listProgram } from '@doppel/pcode/p-code'
import { PROGRAMS } from './programs.js'

/** @typedef {import('@doppel/pcode').Program} Program */
/** @typedef {import('@doppel/base').SourceRun} SourceRun */

const FILE = 'program.pas'
const MAX_OUTPUT = 100_000

/** @param {string} id */
const element = id => /** @type {HTMLElement} */ (document.getElementById(id))
const source = /** @type {HTMLTextAreaElement} */ (element('source'))
const input = /** @type {HTMLTextAreaElement} */ (element('input'))
const checks = /** @type {HTMLInputElement} */ (element('checks'))
const routines = /** @type {HTMLSelectElement} */ (element('routines'))
const examples = /** @type {HTMLSelectElement} */ (element('examples'))
const gutter = element('gutter')
const output = element('output')
const status = element('status')

/** @type {Set<number>} */
let breakpoints = new Set()
/** @type {readonly import('@doppel/pcode/p-code').RoutineListing[]} */
let listing = []
/** @type {Map<number, string>} */
let mistakes = new Map()
/** The line that the code was last drawn for. */
let drawnLine = 0
/** Where a debugged program stands. */
let here = 0
/** @type {{ debugger?: ProgramDebugger, isStopped: boolean } | undefined} */
let running

/** Lets the page have its turn: a message is handled after what waits to be drawn or clicked. */
const channel = new MessageChannel()
/** @type {(() => void)[]} */
const turns = []
channel.port1.onmessage = () => turns.shift()?.()
/** @returns {Promise<void>} */
const rest = () =>
  new Promise(resolve => {
    turns.push(resolve)
    channel.port2.postMessage(0)
  })

/** Standard input from the page, standard output to it; other files are in memory. */
function pageFiles() {
  const decoder = new TextDecoder('latin1')
  /** @type {Map<string, Uint8Array[]>} */
  const kept = new Map()
  return {
    /** @param {string} name */
    reset: name => {
      const pieces = name === 'input' ? [new TextEncoder().encode(input.value)] : kept.get(name)
      if (!pieces) return undefined
      let at = 0
      return { read: () => pieces[at++] }
    },
    /** @param {string} name */
    rewrite: name => {
      /** @type {Uint8Array[]} */
      const pieces = []
      kept.set(name, pieces)
      return {
        /** @param {Uint8Array} bytes */
        write: bytes => (name === 'output' ? show(decoder.decode(bytes)) : void pieces.push(bytes)),
      }
    },
  }
}

/** @param {string} text */
function show(text) {
  const room = MAX_OUTPUT - (output.textContent ?? '').length
  if (room > 0) output.append(text.length <= room ? text : `${text.slice(0, room)}\n…`)
}

/** Compiles what is in the editor, and shows what it became or what is wrong with it. @returns {Program | undefined} */
function compile() {
  const { program, diagnostics } = compilePascal(source.value, { file: FILE, checks: checks.checked })
  mistakes = new Map(diagnostics.map(d => [d.at.line, d.message]))
  listing = program ? listProgram(program) : []
  const chosen = routines.value
  routines.replaceChildren(...listing.map(({ name }, i) => new Option(name, String(i))))
  if (chosen !== '' && Number(chosen) < listing.length) routines.value = chosen
  if (!program) element('pcode').textContent = diagnostics.map(renderDiagnostic).join('\n')
  element('pcode').className = program ? '' : 'bad'
  if (program) drawCode()
  else element('wasm').textContent = ''
  drawGutter()
  return program
}

/** Compiles after a change, and says whether it went well. */
function check() {
  compile()
  const count = mistakes.size
  if (!running) status.textContent = count === 0 ? '' : `mistakes on ${count} line${count === 1 ? '' : 's'}`
}

/** The line that the caret is on, or that a debugged program stands at. */
function markedLine() {
  return here > 0 ? here : source.value.slice(0, source.selectionStart).split('\n').length
}
function drawCode() {
  const line = markedLine()
  // The routine of the line that was gone to; another may be chosen until the line changes.
  const routine = line === drawnLine ? -1 : listing.findIndex(({ pcode }) => pcode.some(one => one.line === line))
  drawnLine = line
  if (routine >= 0) routines.value = String(routine)
  let known = 0
  const parts = listing.flatMap(({ name, pcode }) => [
    `${name}\n`,
    ...pcode.map(instruction => {
      const text = document.createElement('span')
      const number = instruction.line === known ? '' : String(instruction.line)
      known = instruction.line
      text.textContent = `${number.padStart(4)}  ${instruction.text}\n`
      if (instruction.line === line) text.className = 'here'
      return text
    }),
  ])
  element('pcode').replaceChildren(...parts)
  element('pcode').querySelector('.here')?.scrollIntoView({ block: 'center' })
  element('wasm').textContent = listing[Number(routines.value || 0)]?.wasm ?? ''
}
function drawGutter() {
  const lines = source.value.split('\n').map((_, i) => {
    const number = document.createElement('div')
    number.textContent = String(i + 1)
    number.dataset.line = String(i + 1)
    const mistake = mistakes.get(i + 1)
    number.className = [breakpoints.has(i + 1) && 'breakpoint', mistake && 'bad', here === i + 1 && 'here']
      .filter(Boolean)
      .join(' ')
    if (mistake) number.title = mistake
    return number
  })
  gutter.replaceChildren(...lines)
  gutter.scrollTop = source.scrollTop
}

/** @param {boolean} isBusy */
function drawButtons(isBusy) {
  const isDebugged = running?.debugger !== undefined
  element('steps').hidden = !isDebugged || isBusy
  for (const id of ['run', 'debug']) /** @type {HTMLButtonElement} */ (element(id)).disabled = running !== undefined
  const stop = /** @type {HTMLButtonElement} */ (element('stop'))
  stop.disabled = running === undefined
}
/** @param {string} text */
function ended(text) {
  running = undefined
  here = 0
  element('variables').textContent = ''
  status.textContent = text
  drawButtons(false)
  compile()
}

async function run() {
  const program = running ? undefined : compile()
  if (!program) return
  output.textContent = ''
  const mine = (running = { isStopped: false })
  status.textContent = 'running'
  drawButtons(true)
  await rest()
  const start = performance.now()
  const result = await runProgram(program, {
    files: pageFiles(),
    look: () => {
      if (mine.isStopped) throw new Problem('budget')
      return rest()
    },
  })
  const { problem, trace } = result
  const place = trace[0]
  if (problem && !mine.isStopped) show(`\nline ${place?.line}: ${problem.message}\n  in ${place?.routine}\n`)
  ended(mine.isStopped ? 'stopped' : `status ${result.exitCode}, ${Math.round(performance.now() - start)} ms`)
}

function debug() {
  const program = running ? undefined : compile()
  if (!program) return
  output.textContent = ''
  const target = new ProgramDebugger(program, { files: pageFiles(), rest })
  target.onMessage = text => show(`${text}\n`)
  running = { debugger: target, isStopped: false }
  void go(breakpoints.size > 0 ? 'continue' : 'into')
}
/** @param {SourceRun} how */
async function go(how) {
  const mine = running
  const target = mine?.debugger
  if (!mine || !target) return
  status.textContent = 'running'
  drawButtons(true)
  target.setBreakpoints(
    FILE,
    [...breakpoints].map(line => ({ line })),
  )
  const stop = await target.run(how)
  if (mine.isStopped || stop.reason === 'ended') {
    ended(mine.isStopped || stop.reason !== 'ended' ? 'stopped' : `status ${stop.exitCode}`)
    return
  }
  here = target.frames()[0]?.line ?? 0
  status.textContent = stop.text ?? stop.reason
  element('variables').textContent = target
    .frames()
    .slice(0, 20)
    .flatMap(({ name, line }, frame) => [
      `${name}, line ${line}`,
      ...(target.scopes(frame)[0]?.variables() ?? []).map(variable => `  ${variable.name} = ${variable.value.text}`),
    ])
    .join('\n')
  drawGutter()
  drawCode()
  drawButtons(false)
}

examples.append(...Object.keys(PROGRAMS).map(name => new Option(name)))
function chooseExample() {
  const { text, input: given } = PROGRAMS[examples.value] ?? { text: '' }
  source.value = text
  input.value = given ?? ''
  breakpoints = new Set()
  check()
}
examples.addEventListener('change', chooseExample)
source.addEventListener('input', check)
source.addEventListener('scroll', () => (gutter.scrollTop = source.scrollTop))
checks.addEventListener('change', check)
routines.addEventListener('change', drawCode)
document.addEventListener('selectionchange', () => {
  if (document.activeElement === source && mistakes.size === 0) drawCode()
})
gutter.addEventListener('click', event => {
  const line = Number(/** @type {HTMLElement} */ (event.target).dataset.line ?? 0)
  if (line === 0) return
  if (!breakpoints.delete(line)) breakpoints.add(line)
  drawGutter()
})
element('run').addEventListener('click', run)
element('debug').addEventListener('click', debug)
element('steps').addEventListener('click', event => {
  const how = /** @type {HTMLElement} */ (event.target).dataset.run
  if (how) void go(/** @type {SourceRun} */ (how))
})
element('stop').addEventListener('click', () => {
  if (!running) return
  running.isStopped = true
  running.debugger?.pause()
  // One that stands still has nothing that would notice.
  if (running.debugger && !element('steps').hidden) ended('stopped')
})
document.addEventListener('keydown', event => {
  if (event.key === 'Enter' && event.ctrlKey) void run()
})
chooseExample()
