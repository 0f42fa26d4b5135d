import type { Command, Flag } from '../command.ts'

const DIALECT: Flag = { name: 'dialect', value: 'iso|iso-1|ucsd', summary: 'the language (default iso-1)' }
const UNCHECKED: Flag = { name: 'unchecked', summary: 'leave out the run-time checks' }

/** `doppel run prog.pas`: what `doppel run` is for a Pascal program. */
export const runPascalCommand: Command = {
  name: 'run',
  summary: 'compile a Pascal program and run it',
  usage: 'PROGRAM.pas [NAME=FILE …]',
  minArguments: 1,
  maxArguments: Infinity,
  takesRest: true,
  flags: [
    DIALECT,
    UNCHECKED,
    { name: 'timeout', value: 'TIME', summary: 'end the program after so long, e.g. 30s or 2m' },
    { name: 'debug', summary: 'stop before its first line, in a debugger of this terminal (see also doppel dap)' },
    { name: 'leaks', summary: 'say at the end what was never disposed of' },
  ],
  examples: [
    ['doppel run prog.pas data=numbers.txt', 'the program parameter data is the file numbers.txt'],
    ['doppel run --debug prog.pas', 'then break 12, continue, print x; help shows the rest'],
  ],
  run: async invocation => await (await import('../../pascal/run-pascal.ts')).runPascal(invocation),
}

const checkCommand: Command = {
  name: 'pascal check',
  summary: 'check Pascal programs by every rule of ISO 7185',
  usage: '[FLAGS] PROGRAM.pas …',
  minArguments: 1,
  maxArguments: Infinity,
  flags: [DIALECT, { name: 'json', summary: 'print what is wrong as JSON' }],
  examples: [
    ['doppel pascal check prog.pas', 'status 0 where nothing is wrong'],
    ['doppel pascal check --dialect iso prog.pas', 'level 0: conformant arrays are refused'],
  ],
  run: async invocation => (await import('../../pascal/check-pascal.ts')).checkFiles(invocation),
}

const compileCommand: Command = {
  name: 'pascal compile',
  summary: 'compile a Pascal program to p-code, which doppel run takes too',
  usage: '[FLAGS] PROGRAM.pas',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    { name: 'output', short: 'o', value: 'FILE', summary: 'where the p-code goes (default PROGRAM.p5)' },
    DIALECT,
    UNCHECKED,
  ],
  examples: [['doppel pascal compile -o sums.p5 sums.pas', 'then: doppel run sums.p5']],
  run: async invocation => (await import('../../pascal/compile-pascal.ts')).compileFile(invocation),
}

const disassembleCommand: Command = {
  name: 'pascal disassemble',
  summary: 'show the p-code of a program, of Pascal or p-code',
  usage: '[FLAGS] PROGRAM.pas|PROGRAM.p5',
  minArguments: 1,
  maxArguments: 1,
  flags: [DIALECT, UNCHECKED],
  examples: [['doppel pascal disassemble --unchecked prog.pas', 'without the instructions that check']],
  run: async invocation => (await import('../../pascal/compile-pascal.ts')).disassembleFile(invocation),
}

const formatCommand: Command = {
  name: 'pascal format',
  summary: 'lay out Pascal programs; comments stay where they are',
  usage: '[FLAGS] PROGRAM.pas …',
  minArguments: 1,
  maxArguments: Infinity,
  flags: [
    DIALECT,
    { name: 'write', short: 'w', summary: 'change the files, in place of printing them' },
    { name: 'check', summary: 'only name the files that are laid out otherwise: status 1 where there are any' },
  ],
  examples: [['doppel pascal format -w *.pas', 'lay out every program of this folder']],
  run: async invocation => (await import('../../pascal/format-pascal.ts')).formatFiles(invocation),
}

/** Commands for Pascal programs. */
export const PASCAL_COMMANDS: readonly Command[] = [compileCommand, checkCommand, disassembleCommand, formatCommand]
