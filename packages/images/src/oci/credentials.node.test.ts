import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { credentials, RegistryLogins } from './credentials.ts'
import { checkLogin } from './registry.ts'

let folder: string
let logins: RegistryLogins
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-logins-'))
  logins = new RegistryLogins({ XDG_CONFIG_HOME: folder })
})
afterEach(() => rm(folder, { recursive: true }))

const ME = credentials('me', 'secret: yes')

test('a login is remembered for its registry alone, in a file that only its owner may read', async () => {
  expect(await logins.find('localhost:5000')).toBeUndefined()
  await logins.save('localhost:5000', ME)
  await chmod(logins.path, 0o644)
  await logins.save('ghcr.io', credentials('other', 'x'))
  expect((await stat(logins.path)).mode & 0o777).toBe(0o600)
  expect(await logins.find('localhost:5000')).toEqual(ME)
  for (const host of ['localhost', 'constructor', '__proto__']) expect(await logins.find(host)).toBeUndefined()
  expect([await logins.remove('localhost:5000'), await logins.remove('localhost:5000')]).toEqual([true, false])
  expect(await logins.find('localhost:5000')).toBeUndefined()
  expect(await readdir(dirname(logins.path))).toEqual(['registries.json'])
})

test('what is no list of logins, and what could end a header, is refused', async () => {
  await logins.save('ghcr.io', ME)
  await writeFile(logins.path, '{"ghcr.io":')
  await expect(logins.find('ghcr.io')).rejects.toMatchObject({ code: 'oci.login' })
  await writeFile(logins.path, '{"ghcr.io":{"user":"a\\r\\nb","password":"c"}}')
  await expect(logins.find('ghcr.io')).rejects.toMatchObject({ code: 'oci.login' })
  for (const [user, password] of [
    ['a:b', 'c'],
    ['', 'c'],
    ['a', ''],
    ['a', 'b\nc'],
    ['a'.repeat(5000), 'c'],
  ] as const)
    expect(() => credentials(user, password)).toThrow('one line of text')
})

test('a registry with a token service gets a token for the login, and the login itself stays with the service', async () => {
  const asked: (readonly [string, string | undefined])[] = []
  const server = createServer((request, response) => {
    const { url = '', headers } = request
    asked.push([url, headers.authorization])
    const { port } = server.address() as AddressInfo
    if (url.startsWith('/token')) return void response.end('{"token":"abc"}')
    if (headers.authorization === 'Bearer abc') return void response.end('{}')
    response.writeHead(401, {
      'www-authenticate': `Bearer realm="http://127.0.0.1:${port}/token",service="here",scope="x"`,
    })
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    await checkLogin(`127.0.0.1:${(server.address() as AddressInfo).port}`, ME)
    // base64('me:secret: yes'), RFC 7617 §2.
    expect(asked).toEqual([
      ['/v2/', undefined],
      ['/token?service=here&scope=x', 'Basic bWU6c2VjcmV0OiB5ZXM='],
      ['/v2/', 'Bearer abc'],
    ])
  } finally {
    server.close()
  }
})
