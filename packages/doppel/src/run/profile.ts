import { type CodeNames, hex } from '@doppel/base'
import type { Profile, ProfilePlace } from '@doppel/riscv'

const MAX_ROWS = 30
const PAGE_MASK = ~0xfffn

interface Row {
  readonly name: string
  samples: number
  /** Its most frequent place. */
  readonly hottest: ProfilePlace
}

/** What a profile found, for `--profile`: shares of the samples by function where it is known, else by page. */
export function profileReport(profile: Profile, names: CodeNames): string {
  const rows = new Map<string, Row>()
  for (const place of profile.places()) {
    const name = names.at(place.pc)?.name ?? `page ${hex(place.pc & PAGE_MASK)}`
    const key = `${name} ${place.user}`
    const known = rows.get(key)
    if (known) known.samples += place.samples
    else rows.set(key, { name, samples: place.samples, hottest: place })
  }
  const sorted = [...rows.values()].sort((a, b) => b.samples - a.samples).slice(0, MAX_ROWS)
  const line = ({ name, samples, hottest }: Row): string => {
    const share = `${((100 * samples) / profile.total).toFixed(1)}%`.padStart(6)
    return `${share}  ${hottest.user ? 'user  ' : 'system'}  ${hex(hottest.pc).padEnd(18)}  ${name}\n`
  }
  return `${profile.total} samples, about one a millisecond; share, mode, hottest address, function or page:\n${sorted.map(line).join('')}`
}
