import { DoppelError } from '@doppel/base'
import { nowMs, startProcess } from '../../control/machine-process.ts'
import { runJava } from '../../java/run-java.ts'
import { prepareImage, withImageCommand } from '../../run/images.ts'
import { runMachine } from '../../run/run.ts'
import { progressBar } from '../progress-bar.ts'
import type { Command } from '../command.ts'
import { entriesOf } from '../machines.ts'
import { readRunOptions, readTimeout } from '../run-options.ts'

/** `doppel run`. */
export const runCommand: Command = {
  name: 'run',
  summary: 'start a machine: the linux image, a kernel, or a bare-metal ELF program',
  usage: '[FLAGS] [linux | PROGRAM.elf] [-- COMMAND [ARGUMENTS]]',
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
    {
      name: 'volume',
      short: 'v',
      value: 'HOST:GUEST[:ro]',
      multiple: true,
      summary: 'share a folder of this computer',
    },
    { name: 'network', value: 'nat|none', summary: "the guest's way out: this computer's sockets (default), or none" },
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
    { name: 'engine', value: 'interpreter|translator', summary: 'how instructions run (default translator)' },
    { name: 'timeout', value: 'TIME', summary: 'end the machine after so long, e.g. 30s or 2m' },
    { name: 'stats', summary: 'print instructions, tiers, traps and TLB misses at the end' },
    { name: 'detach', short: 'd', summary: 'leave the machine running, and print its id (see doppel ps)' },
    { name: 'name', value: 'NAME', summary: 'what to call it (with --detach)' },
    { name: 'rm', summary: 'forget it when it has ended (with --detach)' },
    { name: 'verbose', summary: 'show the kernel booting' },
  ],
  examples: [
    ['doppel run linux', 'a Linux shell in this terminal; Ctrl-A x quits'],
    ['doppel run linux -- uname -m', 'one command: its output is ours, and so is its exit status'],
    ['doppel run -m 1G --cpus 4 linux -- nproc', 'with 1 GiB of memory and four harts'],
    ['doppel run --volume .:/src:ro linux', 'share the current folder, read-only, as /src'],
    ['doppel run --disk root.qcow2:overlay --kernel Image --append root=/dev/vda1', 'boot a disk, keep it unchanged'],
    ['doppel run -d --name web linux', 'in the background; doppel exec web COMMAND runs something in it'],
    ['doppel run app.jar -- a b', 'a Java program, with its arguments (see doppel java)'],
    ['doppel run prog.elf', 'a bare-metal program; one with `tohost` ends by writing it'],
  ],
  async run(invocation) {
    const [target] = invocation.arguments
    if (target?.endsWith('.jar')) {
      const timeoutMs = readTimeout(invocation.value('timeout'))
      const limit = timeoutMs === undefined ? [] : ['--timeout', String(timeoutMs / 1000)]
      return await runJava([...limit, '-jar', target, ...(invocation.rest ?? [])], invocation.env, invocation.streams)
    }
    const asked = await readRunOptions(invocation)
    if (!invocation.has('detach')) return await runMachine(asked, invocation.streams)
    if (asked.target?.kind !== 'image') {
      throw new DoppelError('run.detach', 'only an image runs detached: it is reached through the agent in it')
    }
    const bar = progressBar(invocation.streams)
    const options = withImageCommand(await prepareImage(asked, bar.progress, bar.note).finally(() => bar.clear()))
    const { env: _, ...kept } = options
    const entries = entriesOf(invocation)
    const spec = { options: kept, remove: invocation.has('rm') }
    const entry = await entries.create(spec, asked.target.name, nowMs(), invocation.value('name'))
    invocation.streams.stdout(`${(await startProcess(entries, entry)).id}\n`)
    return 0
  },
}
