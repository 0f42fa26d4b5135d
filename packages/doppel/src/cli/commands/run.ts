import { nowMs, startProcess } from '../../control/start-process.ts'
import { createJava, runJavaMachine } from '../../java/run-java.ts'
import { prepareImage, withImageCommand } from '../../run/images.ts'
import { runMachine } from '../../run/run.ts'
import { type MachineEntry, imageName } from '../../control/entries.ts'
import { DoppelError } from '@doppel/base'
import { FAULTS } from '@doppel/board'
import { readIsolation } from '../../control/isolation.ts'
import { listForeground } from '../../control/foreground.ts'
import type { Command, Invocation } from '../command.ts'
import { progressBar } from '../progress-bar.ts'
import { entriesOf, printNames } from '../machines.ts'
import { javaWords } from '../java-program.ts'
import { readRunOptions, type RunOptions } from '../run-options.ts'

/** `doppel run`. */
export const runCommand: Command = {
  name: 'run',
  summary: 'start a machine: the linux image, a kernel, or a bare-metal ELF program',
  usage: '[FLAGS] [linux | PROGRAM.elf | PROGRAM.jar | PROGRAM.pas | SYSTEM.vol | CLASS] [-- COMMAND [ARGUMENTS]]',
  minArguments: 0,
  maxArguments: 1,
  takesRest: true,
  flags: [
    { name: 'memory', short: 'm', value: 'SIZE', summary: 'RAM, e.g. 512M or 2G (default 256M)' },
    { name: 'cpus', value: 'N', summary: 'harts, 1 to 8 (default 1)' },
    { name: 'kernel', value: 'FILE', summary: 'boot this kernel Image' },
    { name: 'initrd', value: 'FILE', summary: 'initial RAM file system for the kernel' },
    { name: 'append', value: 'TEXT', summary: "words for the kernel's command line" },
    { name: 'disk', value: 'FILE[:ro|:overlay]', multiple: true, summary: 'attach a raw or qcow2 disk image' },
    { name: 'disk-rate', value: 'RATE', summary: 'let so many bytes a second through to each disk, e.g. 50M' },
    { name: 'disk-operations', value: 'N', summary: 'let so many requests a second through to each disk' },
    {
      name: 'volume',
      short: 'v',
      value: 'FOLDER|NAME:GUEST[:ro]',
      multiple: true,
      summary: 'share a folder of this computer, or a volume (see doppel volume)',
    },
    {
      name: 'network',
      value: 'nat|none|NAME',
      summary: 'a network of its own (default), none, or one of doppel network',
    },
    {
      name: 'publish',
      short: 'p',
      value: '[HOSTPORT:]GUESTPORT',
      multiple: true,
      summary: 'make a TCP port of the guest reachable at 127.0.0.1',
    },
    { name: 'allow', value: 'WHAT', multiple: true, summary: 'let the guest reach only such names, addresses, blocks' },
    { name: 'deny', value: 'WHAT', multiple: true, summary: 'never let the guest reach these' },
    { name: 'network-rate', value: 'RATE', summary: 'let so many bits a second through each way, e.g. 100M' },
    { name: 'capture', value: 'FILE', summary: 'write what passes on the network to FILE, for Wireshark or tcpdump' },
    { name: 'firmware', value: 'FILE', summary: 'run this M-mode firmware instead of the built-in SBI' },
    { name: 'transport', value: 'pci|mmio', summary: 'where virtio devices are attached (default pci)' },
    { name: 'engine', value: 'interpreter|translator', summary: 'how instructions run (default translator)' },
    {
      name: 'smp',
      value: 'parallel|round-robin',
      summary: 'each hart on a thread of its own, or all in turn on one (default)',
    },
    { name: 'timeout', value: 'TIME', summary: 'end the machine after so long, e.g. 30s or 2m' },
    { name: 'stats', summary: 'print instructions, tiers, traps and TLB misses at the end' },
    { name: 'profile', summary: "print at the end where the guest's time went" },
    {
      name: 'symbols',
      value: 'FILE[@OFFSET]',
      multiple: true,
      summary: 'names of guest code: an ELF file, moved by OFFSET, or System.map (a Linux kernel brings its own)',
    },
    {
      name: 'sample',
      value: 'N',
      summary: 'a profile: the calls that each hart is in, each N instructions (with --output)',
    },
    {
      name: 'output',
      short: 'o',
      value: 'FILE',
      summary: 'where --sample goes: a flame graph .svg, .txt as of perf script, .json',
    },
    { name: 'coverage', value: 'FILE', summary: 'which code has run: lcov where lines are known, else basic blocks' },
    { name: 'dump-region', value: 'ADDRESS', summary: 'print at the end the code translated from there' },
    { name: 'deterministic', summary: 'make each run like the other: time is counted in instructions' },
    {
      name: 'seed',
      value: 'N',
      summary:
        'what the randomness of a deterministic run, and how harts take turns, is made from (default 0: equal turns)',
    },
    {
      name: 'faults',
      value: 'KIND=1/N[:TIME],…',
      summary: `what is to go wrong in a deterministic run, one in N times: ${Object.keys(FAULTS).join(', ')}`,
    },
    { name: 'hash', summary: "print at the end what stands for a deterministic machine's state" },
    { name: 'debug', summary: 'stand still, in a debugger of this terminal for C and the like (see also doppel dap)' },
    { name: 'gdb', value: '[HOST:]PORT', summary: 'let GDB connect there: target remote :PORT' },
    {
      name: 'break-on',
      value: 'EVENT',
      multiple: true,
      summary: 'stop, and report, at trap:page-fault, interrupt:timer, syscall:execve, csr:satp, device:uart.thr, …',
    },
    { name: 'gdb-wait', summary: 'begin when GDB says so (with --gdb)' },
    { name: 'detach', short: 'd', summary: 'leave the machine running, and print its id (see doppel ps)' },
    { name: 'cap', value: 'FRACTION', summary: "the most it may have of a processor's time, e.g. 0.5" },
    {
      name: 'latency',
      value: 'batch|realtime',
      summary: 'realtime: go on at the moment a timer is due (default batch)',
    },
    {
      name: 'isolation',
      value: 'process|jailed',
      summary: 'jailed: a process that reaches no files but its own (with --detach)',
    },
    { name: 'name', value: 'NAME', summary: 'what to call it (see doppel ps)' },
    { name: 'rm', summary: 'forget it when it has ended (with --detach)' },
    {
      name: 'class-path',
      alias: '-cp',
      value: 'PATH',
      summary: 'run a class of these folders and jars (see doppel java)',
    },
    { name: 'verbose', summary: 'show the kernel booting' },
    { name: 'json', summary: 'print the id as JSON (with --detach)' },
  ],
  examples: [
    ['doppel run linux', 'a Linux shell in this terminal; Ctrl-A x quits'],
    ['doppel run linux -- uname -m', 'one command: its output is ours, and so is its exit status'],
    ['doppel run -m 1G --cpus 4 linux -- nproc', 'with 1 GiB of memory and four harts'],
    ['doppel run --volume .:/src:ro linux', 'share the current folder, read-only, as /src'],
    ['doppel run --disk root.qcow2:overlay --kernel Image --append root=/dev/vda1', 'boot a disk, keep it unchanged'],
    ['doppel run -d --name web linux', 'in the background; doppel exec web COMMAND runs something in it'],
    ['doppel run app.jar -- a b', 'a Java program, with its arguments (see doppel java)'],
    ['doppel run prog.pas', 'a Pascal program; its files as NAME=FILE behind it (see doppel pascal)'],
    ['doppel run system.vol', 'the UCSD p-System of a disk image (see doppel pascal volume)'],
    ['doppel run -m 512M --network none -cp classes:lib.jar Main', 'a class of one, with limits'],
    ['doppel run --gdb 1234 --gdb-wait prog.elf', 'stand still until gdb-multiarch prog.elf connects'],
    ['doppel run --debug prog.elf', 'by its source: break main, continue, next, print x; help shows the rest'],
    ['doppel run --deterministic --hash linux -- uname -a', 'the same to the bit, each time and everywhere'],
    ['doppel run --coverage out.info prog.elf', 'then: genhtml out.info'],
    ['doppel run --break-on syscall:reboot linux -- reboot', 'where the guest is when it does that'],
    ['doppel run --sample 100000 -o boot.svg linux -- true', 'a flame graph of a boot'],
    ['doppel run prog.elf', 'a bare-metal program; one with `tohost` ends by writing it'],
  ],
  async run(invocation) {
    const java = javaWords(
      invocation,
      runCommand.flags.map(flag => flag.name),
    )
    if (java) return await runJavaMachine(invocation, java)
    const options = await readRunOptions(invocation)
    if (invocation.has('output') && !options.sample) {
      throw new DoppelError('cli.arguments', '--output is where --sample goes; expected --sample N')
    }
    if (invocation.has('debug')) {
      const { debugGuestInTerminal } = await import('../../guest-debug/terminal.ts')
      return await debugGuestInTerminal(options, invocation.streams)
    }
    if (!invocation.has('detach')) {
      if (invocation.has('isolation')) {
        throw new DoppelError(
          'cli.arguments',
          '--isolation needs --detach: a machine in this terminal is in its process',
        )
      }
      return await runMachine(options, invocation.streams, machine =>
        listForeground(machine, options, entriesOf(invocation), invocation.value('name')),
      )
    }
    const entry = await recorded(invocation, options)
    printNames(invocation, [(await startProcess(entriesOf(invocation), entry)).id])
    return 0
  },
}

/** `doppel create`. */
export const createCommand: Command = {
  ...runCommand,
  name: 'create',
  summary: 'record a machine, for doppel start: the flags are those of run',
  flags: runCommand.flags.filter(({ name }) => name !== 'detach'),
  examples: [
    ['doppel create --name web -p 8080:80 linux', 'prints its id; doppel start web boots it'],
    ['doppel create --name job linux -- sh -c date', 'its command runs each time it is started'],
  ],
  async run(invocation) {
    const java = javaWords(
      invocation,
      runCommand.flags.map(flag => flag.name),
    )
    if (java) return await createJava(invocation, java)
    const entry = await recorded(invocation, await readRunOptions(invocation))
    printNames(invocation, [entry.id])
    return 0
  },
}

/** Makes the record of a machine that is to have a process of its own. */
async function recorded(invocation: Invocation, asked: RunOptions): Promise<MachineEntry> {
  if (asked.deterministic) {
    throw new DoppelError('cli.arguments', 'a deterministic machine is in its own terminal: others would give it input')
  }
  const bar = progressBar(invocation.streams)
  const prepared = await prepareImage(asked, bar.progress, bar.note).finally(() => bar.clear())
  const { env: _, ...options } = withImageCommand(prepared)
  const level = invocation.value('isolation')
  const isolation = level === undefined ? undefined : readIsolation(level, ['process', 'jailed'])
  const spec = { options, isolation, remove: invocation.has('rm') }
  return await entriesOf(invocation).create(spec, imageName(options), nowMs(), invocation.value('name'))
}
