import { formatSize } from '@doppel/base'
import type { Progress } from '@doppel/images'
import type { Streams } from './command.ts'

const BAR_CELLS = 24
/** Redrawn at most once for this share of the whole, so that a fast download does not flood a slow terminal. */
const STEP = 1 / 200

/** One line on stderr that is drawn over and over; nothing at all when stderr is not a terminal. */
export function progressBar(streams: Streams): {
  readonly progress: Progress
  /** Says something in a line of its own. */
  readonly note: (text: string) => void
  clear(): void
} {
  let drawn = ''
  let last = -1
  const clear = (): void => {
    if (drawn !== '') streams.stderr(`\r${' '.repeat(drawn.length)}\r`)
    drawn = ''
    last = -1
  }
  return {
    progress: ({ label, doneBytes, totalBytes }) => {
      if (!streams.stderrIsTerminal) return
      const share = totalBytes ? Math.min(1, doneBytes / totalBytes) : 0
      if (Math.abs(share - last) < STEP && share !== 1) return
      last = share
      const filled = Math.round(share * BAR_CELLS)
      const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}`
      const amount = totalBytes ? `${formatSize(doneBytes)} of ${formatSize(totalBytes)}` : formatSize(doneBytes)
      const line = `${label} [${bar}] ${amount}`
      streams.stderr(`\r${line.padEnd(drawn.length)}`)
      drawn = line
    },
    note: text => {
      clear()
      streams.stderr(`doppel: ${text}\n`)
    },
    clear,
  }
}
