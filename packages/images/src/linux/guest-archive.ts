import { DoppelError } from '@doppel/base'
import { type CpioEntry, cpioArchive } from './cpio.ts'

/** A host folder shared into the guest by virtiofs. */
export interface GuestVolume {
  /** The virtiofs device's tag. */
  readonly tag: string
  /** Absolute path in the guest. */
  readonly path: string
  readonly readOnly: boolean
}

/** What the host tells the `linux` image of one start. */
export interface GuestSetup {
  /** Runs this and turns the machine off; a login shell when absent. */
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** True when the host will send input frames on hvc0; otherwise the command reads end of file. */
  readonly input?: boolean
  readonly volumes?: readonly GuestVolume[]
  /** Marks control lines, so that no output of the guest's can be taken for one: lower-case letters and digits. */
  readonly nonce: string
  readonly hostname?: string
  /** Where the command or shell begins; /root when absent. */
  readonly folder?: string | undefined
  /** Who runs the command; root when absent. */
  readonly user?: string | undefined
}

/** The kernel reads file sizes of an initramfs as 32 bits, and command lines are small. */
const MAX_COMMAND_BYTES = 1 << 20

/**
 * The archive to append to the image's initramfs: `/doppel/setup` and `/doppel/command` (shell scripts whose words
 * are quoted, so every argument arrives exactly) and `/doppel/input` (a mark). Throws `run.command` for what no
 * argument or environment can hold.
 */
export function guestArchive(setup: GuestSetup): Uint8Array {
  if (!/^[a-z0-9]+$/.test(setup.nonce)) {
    throw new DoppelError('run.command', `the nonce '${setup.nonce}' must be lower-case letters and digits`)
  }
  const lines = [`nonce=${setup.nonce}`]
  if (setup.hostname !== undefined) lines.push(`name=${quote(setup.hostname)}`)
  if (setup.folder !== undefined) lines.push(`folder=${quote(setup.folder)}`)
  if (setup.user !== undefined) lines.push(`user=${quote(setup.user)}`)
  for (const { tag, path, readOnly } of setup.volumes ?? []) {
    if (!path.startsWith('/')) {
      throw new DoppelError('run.volume', `the volume's guest path '${path}' must be absolute`, { path })
    }
    lines.push(`volume ${quote(tag)} ${quote(path)} ${readOnly ? 'ro' : 'rw'}`)
  }
  const exports = Object.entries(setup.env ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new DoppelError('run.command', `'${name}' is not a name of an environment variable`, { name })
    }
    return `export ${name}=${quote(value)}`
  })
  const entries: CpioEntry[] = [{ type: 'directory', path: 'doppel' }]
  entries.push(script('doppel/setup', setup.argv === undefined ? [...lines, ...exports] : lines))
  if (setup.argv !== undefined) {
    if (setup.argv.length === 0) throw new DoppelError('run.command', 'the command is empty; expected a program')
    entries.push(script('doppel/command', [...exports, `exec ${setup.argv.map(quote).join(' ')}`]))
    if (setup.input === true) entries.push(script('doppel/input', []))
  }
  return cpioArchive(entries)
}

/** One shell word that stands for exactly this text (POSIX Shell §2.2.2). */
function quote(text: string): string {
  if (text.includes('\0')) throw new DoppelError('run.command', 'an argument holds a NUL, which none can', { text })
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

function script(path: string, lines: readonly string[]): CpioEntry {
  const bytes = new TextEncoder().encode(lines.map(line => `${line}\n`).join(''))
  if (bytes.length > MAX_COMMAND_BYTES) {
    throw new DoppelError('run.command', `the command is ${bytes.length} bytes long; at most ${MAX_COMMAND_BYTES}`)
  }
  return { type: 'file', path, bytes, mode: 0o755 }
}
