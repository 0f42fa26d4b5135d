import { DoppelError } from '@doppel/base'

/** A time limit in milliseconds, such as that of `30s` or `500ms`. Throws `cli.flag-value`. */
export function readTimeout(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value)
  const scale = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? 's'] ?? 1000
  const timeoutMs = Math.round(Number(match?.[1] ?? 0) * scale)
  if (timeoutMs > 0) return timeoutMs
  const expected = 'expected a time such as 30s, 500ms or 2m'
  throw new DoppelError('cli.flag-value', `--timeout is '${value}'; ${expected}`, { flag: 'timeout', value })
}
