import { text } from 'node:stream/consumers'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { DoppelError } from '@doppel/base'
import { checkLogin, credentials, readReference, RegistryLogins, useHostProxy } from '@doppel/images'
import type { Command } from '../command.ts'

/** Throws `cli.arguments` for what names no registry. */
function registryHost(given: string): string {
  const host = readReference(`${given}/any`)?.host
  if (host === given) return host
  throw new DoppelError('cli.arguments', `'${given}' is no registry; expected one such as localhost:5000 or ghcr.io`)
}

/** Asks at the terminal; with `isSecret`, what is typed is not shown. Throws `cli.arguments` where there is none. */
async function asked(question: string, isSecret: boolean): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new DoppelError('cli.arguments', 'no terminal to ask at; use --username and --password-stdin')
  }
  process.stderr.write(question)
  const nowhere = new Writable({ write: (_bytes, _encoding, done) => done() })
  const line = createInterface({ input: process.stdin, output: isSecret ? nowhere : process.stderr, terminal: true })
  try {
    return await line.question('')
  } finally {
    line.close()
    if (isSecret) process.stderr.write('\n')
  }
}

/** `doppel login` and `logout`. */
export const LOGIN_COMMANDS: readonly Command[] = [
  {
    name: 'login',
    summary: 'remember a login to a registry, for image pull',
    usage: '[-u USER] [--password-stdin] REGISTRY',
    minArguments: 1,
    maxArguments: 1,
    flags: [
      { name: 'username', short: 'u', value: 'USER', summary: 'who you are there; asked for when not given' },
      { name: 'password-stdin', summary: 'read the password, or token, from standard input' },
    ],
    examples: [
      ['doppel login localhost:5000', 'asks for name and password'],
      ['doppel login -u me --password-stdin ghcr.io', 'the password, or a token, from standard input'],
    ],
    async run({ arguments: [given = ''], env, streams, value, has }) {
      const host = registryHost(given)
      const user = value('username') ?? (await asked(`User at ${host}: `, false))
      const password = has('password-stdin')
        ? (await text(process.stdin)).replace(/\r?\n$/, '')
        : await asked('Password: ', true)
      const login = credentials(user, password)
      useHostProxy()
      await checkLogin(host, login)
      const logins = new RegistryLogins(env)
      await logins.save(host, login)
      streams.stdout(`${user} at ${host}, in ${logins.path}\n`)
      return 0
    },
  },
  {
    name: 'logout',
    summary: 'forget a login to a registry',
    usage: 'REGISTRY',
    minArguments: 1,
    maxArguments: 1,
    flags: [],
    examples: [['doppel logout localhost:5000', 'later pulls ask as nobody']],
    async run({ arguments: [given = ''], env, streams }) {
      const host = registryHost(given)
      if (!(await new RegistryLogins(env).remove(host))) {
        throw new DoppelError('oci.login', `there is no login to ${host}`, { host })
      }
      streams.stdout(`${host}\n`)
      return 0
    },
  },
]
