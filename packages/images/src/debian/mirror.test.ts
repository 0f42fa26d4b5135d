import { describe, expect, test } from 'vitest'
import { chooseMirror, DEFAULT_MIRROR } from './mirror.ts'
import { proxySettings } from './proxy.ts'

const sources = (text: string) => [{ path: '/etc/apt/sources.list.d/debian.sources', text }]
const list = (text: string) => [{ path: '/etc/apt/sources.list', text }]

describe('the mirror is', () => {
  const near = list('deb http://near.example/debian trixie main')

  test("the one in apt's sources, whatever the environment names", () => {
    expect(chooseMirror({ DOPPEL_DEBIAN_MIRROR: 'http://other.example/debian' }, near)).toEqual({
      url: 'http://near.example/debian',
      source: 'apt',
    })
  })

  test('the one the environment names where apt has none', () => {
    expect(chooseMirror({ DOPPEL_DEBIAN_MIRROR: 'https://mirror.example/debian/' }, [])).toEqual({
      url: 'https://mirror.example/debian',
      source: 'environment',
    })
  })

  test('the first of apt that serves Debian main, not its security archive nor another vendor', () => {
    const text = `Types: deb
URIs: https://packages.vendor.example/apt
Suites: nodistro
Components: main

Types: deb
URIs: http://security.example/debian-security
Suites: trixie-security
Components: main

# the real one
Types: deb deb-src
URIs: cdrom:[disk] http://near.example/debian
Suites: trixie trixie-updates
Components: main contrib
`
    expect(chooseMirror({}, sources(text))).toEqual({ url: 'http://near.example/debian', source: 'apt' })
  })

  test('read from one-line sources with options', () => {
    const text = `# deb http://commented.example/debian trixie main
deb-src http://source.example/debian trixie main
deb http://ubuntu.example/ubuntu noble main
deb [arch=amd64 signed-by=/k.gpg] http://near.example/debian/ bookworm main # ours`
    expect(chooseMirror({}, list(text)).url).toBe('http://near.example/debian')
  })

  test('not one that is disabled', () => {
    const text = 'Enabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: sid\nComponents: main\n'
    expect(chooseMirror({}, sources(text)).url).toBe(DEFAULT_MIRROR)
  })

  test.each(['', 'nonsense', ':::', '\u0000\n \n'])('the default when apt says %o', text => {
    expect(chooseMirror({}, [...sources(text), ...list(text)])).toEqual({ url: DEFAULT_MIRROR, source: 'default' })
  })
})

test('a mirror variable that is no address is refused where it is needed', () => {
  expect(() => chooseMirror({ DOPPEL_DEBIAN_MIRROR: 'file:///srv' }, [])).toThrow(
    expect.objectContaining({ code: 'debian.mirror' }),
  )
})

test.each([
  ['the environment', { http_proxy: 'http://env:1' }, 'Acquire::http::Proxy "http://apt:2";', 'http://env:1'],
  ["apt's option", {}, 'Acquire::http::Proxy "http://apt:2";', 'http://apt:2'],
  ["apt's nested option", {}, 'Acquire { // all\n Retries "3"; http { Proxy "http://apt:3"; } }', 'http://apt:3'],
  ["not apt's DIRECT", {}, 'Acquire::http::Proxy "DIRECT";', undefined],
])('the proxy comes from %s', (_, env, text, expected) => {
  expect(proxySettings(env, [{ path: '/etc/apt/apt.conf', text }]).http_proxy).toBe(expected)
})
