import { readdirSync, readFileSync } from 'node:fs'
import { setGlobalProxyFromEnv } from 'node:http'
import { DoppelError } from '@doppel/base'
import type { ConfigFile } from './mirror.ts'

/** The proxies to use, as the environment names them. */
export interface ProxySettings {
  readonly http_proxy?: string
  readonly https_proxy?: string
  readonly no_proxy?: string
}

/** The host's proxies: the environment's variables (either case), else apt's `Acquire::http::Proxy` (apt.conf(5)). */
export function proxySettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
  aptConfig: readonly ConfigFile[] = readAptConfig(),
): ProxySettings {
  const apt = aptProxies(aptConfig.map(file => file.text).join('\n'))
  const http = env['http_proxy'] || env['HTTP_PROXY'] || apt.http
  const https = env['https_proxy'] || env['HTTPS_PROXY'] || apt.https
  const none = env['no_proxy'] || env['NO_PROXY']
  return {
    ...(http ? { http_proxy: http } : {}),
    ...(https ? { https_proxy: https } : {}),
    ...(none ? { no_proxy: none } : {}),
  }
}

/** Sends this process's `fetch` through the host's proxies, when it has any. Throws `net.proxy` for a bad address. */
export function useHostProxy(settings: ProxySettings = proxySettings()): void {
  if (settings.http_proxy === undefined && settings.https_proxy === undefined) return
  for (const address of [settings.http_proxy, settings.https_proxy]) {
    if (address !== undefined && !/^https?:\/\//.test(address)) {
      throw new DoppelError('net.proxy', `the proxy '${address}' is not an address such as http://proxy:3128`, {
        address,
      })
    }
  }
  setGlobalProxyFromEnv({ ...settings })
}

/** apt's configuration files on this machine; an unreadable or absent one is left out. */
function readAptConfig(root = '/etc/apt'): ConfigFile[] {
  const paths: string[] = []
  try {
    paths.push(
      ...readdirSync(`${root}/apt.conf.d`)
        .sort()
        .map(name => `${root}/apt.conf.d/${name}`),
    )
  } catch {
    // No apt here.
  }
  paths.push(`${root}/apt.conf`)
  return paths.flatMap(path => {
    try {
      return [{ path, text: readFileSync(path, 'utf8') }]
    } catch {
      return []
    }
  })
}

/** Reads the two proxy options in both spellings: `Acquire::http::Proxy "…";` and nested braces. */
function aptProxies(text: string): { readonly http?: string; readonly https?: string } {
  const found: { http?: string; https?: string } = {}
  const scopes: string[] = []
  let words: string[] = []
  const tokens = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|#[^\n]*|"([^"]*)"|[{};]|[^\s{};"]+/g
  for (const [token, quoted] of text.matchAll(tokens)) {
    if (token.startsWith('/*') || token.startsWith('//') || token.startsWith('#')) continue
    if (token === '{') scopes.push(words.join(' '))
    else if (token === '}') scopes.pop()
    else if (token === ';') {
      const [name = '', value = ''] = words
      const option = [...scopes, name].filter(part => part !== '').join('::')
      const scheme = /^Acquire::(http|https)::Proxy$/i.exec(option)?.[1]?.toLowerCase()
      if ((scheme === 'http' || scheme === 'https') && value !== '' && value !== 'DIRECT') found[scheme] = value
    } else {
      words.push(quoted ?? token)
      continue
    }
    words = []
  }
  return found
}
