import { LIFE_FLAGS } from '../../program/run-program.ts'
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
    ...LIFE_FLAGS,
    { name: 'memory', short: 'm', value: 'SIZE', summary: 'room for variables of new, and the stack (default 512M)' },
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

/** `doppel run SYSTEM.vol`: what `doppel run` is for a volume of the UCSD p-System. */
export const runVolumeCommand: Command = {
  name: 'run',
  summary: 'boot a UCSD p-System II.0 from a volume, at this terminal or over pipes',
  usage: 'SYSTEM.vol[:ro] [VOLUME.vol[:ro] …]',
  minArguments: 1,
  maxArguments: Infinity,
  flags: [
    ...LIFE_FLAGS,
    { name: 'timeout', value: 'TIME', summary: 'end the system after so long, e.g. 30s or 2m' },
    { name: 'printer', value: 'FILE', summary: 'what is printed on unit 6 goes there (default: there is no printer)' },
  ],
  examples: [
    ['doppel run system.vol work.vol', 'units 4 and 5; Ctrl-A x ends it, Ctrl-C is the p-System’s own key'],
    ['doppel run system.vol:ro', 'the system’s writes are refused: the volume is write-protected'],
  ],
  run: async invocation => await (await import('../../pascal/ucsd/run-volume.ts')).runVolume(invocation),
}

/** `doppel create` of programs. */
const createPascalCommand: Command = {
  ...runPascalCommand,
  name: 'create',
  summary: 'record a Pascal program, for doppel start',
  run: async invocation => await (await import('../../pascal/run-pascal.ts')).createPascal(invocation),
}
/** `doppel create` of volumes. */
const createVolumeCommand: Command = {
  ...runVolumeCommand,
  name: 'create',
  summary: 'record a p-System, for doppel start',
  run: async invocation => await (await import('../../pascal/ucsd/run-volume.ts')).createVolume(invocation),
}

const volumeCommand: Command = {
  name: 'pascal volume',
  summary: 'list a volume of the UCSD p-System, move files in and out, make a new one',
  usage: 'ls|get|put|new VOLUME.vol …',
  minArguments: 2,
  maxArguments: 4,
  flags: [
    { name: 'json', summary: 'list as JSON' },
    { name: 'name', value: 'NAME', summary: 'what a new volume is called (default: as its file)' },
    { name: 'big-endian', summary: 'make a new volume for big-endian systems' },
  ],
  examples: [
    ['doppel pascal volume ls system.vol', 'its files'],
    ['doppel pascal volume get system.vol NOTES.TEXT notes.txt', 'a file of text becomes lines of text'],
    ['doppel pascal volume put work.vol prog.pas PROG.TEXT', 'and lines a file of text, by its name'],
    ['doppel pascal volume new work.vol 1024', 'an empty volume of 1024 blocks of 512 bytes'],
  ],
  run: async invocation => (await import('../../pascal/ucsd/volume-files.ts')).volumeFiles(invocation),
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
  summary: 'show the p-code of a program, of Pascal, p-code, or a UCSD codefile',
  usage: '[FLAGS] PROGRAM.pas|PROGRAM.p5|PROGRAM.code',
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
export const PASCAL_COMMANDS: readonly Command[] = [
  compileCommand,
  checkCommand,
  disassembleCommand,
  formatCommand,
  volumeCommand,
]
/** What commands on machines are for a Pascal program. */
export const PROGRAM_COMMANDS: readonly Command[] = [runPascalCommand, createPascalCommand]
/** The same for a volume of the p-System. */
export const VOLUME_COMMANDS: readonly Command[] = [runVolumeCommand, createVolumeCommand]
