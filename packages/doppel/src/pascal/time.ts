import { DoppelError } from '@doppel/base'

/** Milliseconds of a time such as `30s` or `500ms`. Throws `cli.flag-value`. */
export function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text)
  const scale = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? 's'] ?? 1000
  const timeMs = Math.round(Number(match?.[1] ?? 0) * scale)
  if (timeMs > 0) return timeMs
  throw new DoppelError('cli.flag-value', `--timeout ${text}; expected a time such as 30s, 500ms or 2m`, {
    value: text,
  })
}
