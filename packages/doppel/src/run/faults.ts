import { DoppelError } from '@doppel/base'
import { type FaultEvent, type FaultKind, type FaultRates, FAULTS } from '@doppel/board'

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 }

/** Reads `KIND=1/N[:TIME]`, several with commas between them. Throws `cli.flag-value`. */
export function readFaults(text: string): FaultRates {
  const rates: { [kind in FaultKind]?: FaultRates[kind] } = {}
  for (const word of text.split(',')) {
    const match = /^([a-z-]+)=1\/(\d{1,15}|\d{1,9}[kKmMgG])(?::(\d{1,6})(ns|us|ms|s))?$/.exec(word)
    const [, name = '', count = '', time, unit = ''] = match ?? []
    const isKind = Object.hasOwn(FAULTS, name)
    const takesTime = isKind && FAULTS[name as FaultKind].mostNs !== undefined
    const oneIn = /\d$/.test(count) ? Number(count) : count === '' ? 0 : decimal(count)
    if (!isKind || oneIn < 1 || (time !== undefined && !takesTime)) throw badFault(word)
    const mostNs = time === undefined ? undefined : Number(time) * (UNITS[unit] ?? 1)
    rates[name as FaultKind] = { oneIn, mostNs }
  }
  return rates
}

/** k, M and G are powers of a thousand here: nothing is counted in bytes. */
function decimal(text: string): number {
  return Number(text.slice(0, -1)) * { k: 1e3, m: 1e6, g: 1e9 }[text.slice(-1).toLowerCase() as 'k' | 'm' | 'g']
}

function badFault(word: string): DoppelError {
  const kinds = Object.keys(FAULTS).join(', ')
  return new DoppelError(
    'cli.flag-value',
    `--faults has '${word}'; expected KIND=1/N, or KIND=1/N:TIME for one that takes time, such as disk-error=1/1000 or ` +
      `irq-delay=1/100:5ms; kinds are ${kinds}`,
    { value: word },
  )
}

/** A line about a fault. */
export function faultText({ kind, what, instructions, atNs }: FaultEvent): string {
  return `doppel: ${kind} after ${instructions} instructions, at ${(atNs / 1e9).toFixed(6)} s: ${what}\n`
}
