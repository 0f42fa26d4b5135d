import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { DoppelError } from '@doppel/base'

/** Who asks a registry. */
export interface Credentials {
  readonly user: string
  readonly password: string
}

type Environment = Readonly<Record<string, string | undefined>>
const MAX_FIELD_CHARACTERS = 4096
/** RFC 7617 §2: no colon in a name, no control characters in either. */
const USER = /^[^:\p{Cc}]+$/u
const PASSWORD = /^\P{Cc}+$/u

/** Checks what somebody gave. Throws `oci.login`. */
export function credentials(user: string, password: string): Credentials {
  const isShort = user.length <= MAX_FIELD_CHARACTERS && password.length <= MAX_FIELD_CHARACTERS
  if (isShort && USER.test(user) && PASSWORD.test(password)) return { user, password }
  throw new DoppelError('oci.login', 'a user name has no colon, and it and the password are one line of text each')
}

/** The value of an Authorization header, RFC 7617 §2. */
export function basicAuthorization({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/** The logins to registries of this user: one file, which only its owner may read. */
export class RegistryLogins {
  readonly path: string

  constructor(env: Environment) {
    const base = env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config')
    this.path = join(base, 'doppel', 'registries.json')
  }

  /** Throws `oci.login` for a file that cannot be read. */
  async find(host: string): Promise<Credentials | undefined> {
    const found = (await this.#all())[host]
    return found && credentials(found.user, found.password)
  }
  async save(host: string, { user, password }: Credentials): Promise<void> {
    await this.#write({ ...(await this.#all()), [host]: { user, password } })
  }
  /** Forgets a registry's; says whether there was one. */
  async remove(host: string): Promise<boolean> {
    const { [host]: found, ...others } = await this.#all()
    if (found) await this.#write(others)
    return found !== undefined
  }

  async #all(): Promise<Record<string, Credentials | undefined>> {
    const text = await readFile(this.path, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '{}'
      throw new DoppelError('oci.login', `${this.path}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
    })
    try {
      const all: unknown = JSON.parse(text)
      // Without a prototype: a host may be called as one of its members.
      if (typeof all === 'object' && all !== null)
        return Object.setPrototypeOf(all, null) as Record<string, Credentials | undefined>
    } catch {
      // Told below, with everything else that is none.
    }
    throw new DoppelError('oci.login', `${this.path} is not doppel's list of logins; mend or remove it`)
  }
  async #write(all: Record<string, Credentials | undefined>): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 })
    const temporary = `${this.path}.${process.pid}`
    try {
      await writeFile(temporary, `${JSON.stringify(all, undefined, 1)}\n`, { mode: 0o600 })
      await chmod(temporary, 0o600)
      await rename(temporary, this.path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw new DoppelError('oci.login', `${this.path}: cannot be written (${(error as NodeJS.ErrnoException).code})`)
    }
  }
}
