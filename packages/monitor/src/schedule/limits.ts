import { DoppelError } from '@doppel/base'

/** What a machine may take of the processor that it shares with others. */
export interface CpuLimits {
  /** Its weight against the others that want to run; 100 when not given. */
  readonly share?: number
  /** The most it may have of the processor's time, above 0, at most 1 (no cap); 1 when not given. */
  readonly cap?: number
  /**
   * The part of the processor's time that it has for certain, 0 to 1, whatever shares others have; what is left is shared.
   * None when not given, a quarter for a machine of the class `realtime`. With a cap as high it is all that it gets.
   */
  readonly entitlement?: number
  /**
   * `realtime`: within its entitlement it has its turn before all others, and others stop for its timers. `batch` when
   * not given.
   */
  readonly latency?: LatencyClass
}
/** Whether a machine's timers may wait for others' turns. */
export type LatencyClass = 'batch' | 'realtime'

const DEFAULT_SHARE = 100
const MAX_SHARE = 10_000
const MIN_CAP = 0.01
const REALTIME_ENTITLEMENT = 0.25

/** The limits of a machine that is given none. */
export const NO_LIMITS: Required<CpuLimits> = { share: DEFAULT_SHARE, cap: 1, entitlement: 0, latency: 'batch' }

/**
 * The limits that hold when those of `changed` are set; the others of this thread are entitled to `takenByOthers`
 * together. Throws `limits.share`, `limits.cap`, `limits.latency`, `limits.entitlement`.
 */
export function changedLimits(
  held: Required<CpuLimits>,
  changed: CpuLimits,
  takenByOthers: number,
): Required<CpuLimits> {
  const { share = held.share, cap = held.cap, latency = held.latency } = changed
  const becomesRealtime = latency === 'realtime' && held.latency !== 'realtime' && held.entitlement === 0
  const entitlement = changed.entitlement ?? (becomesRealtime ? Math.min(REALTIME_ENTITLEMENT, cap) : held.entitlement)
  if (!(share >= 1 && share <= MAX_SHARE)) {
    throw new DoppelError('limits.share', `a share of ${share}; expected 1 to ${MAX_SHARE}`, { share })
  }
  if (!(cap >= MIN_CAP && cap <= 1)) {
    throw new DoppelError('limits.cap', `a cap of ${cap}; expected ${MIN_CAP} to 1 of the processor's time`, { cap })
  }
  if (latency !== 'batch' && latency !== 'realtime') {
    throw new DoppelError('limits.latency', `the latency class '${String(latency)}'; expected batch or realtime`)
  }
  const free = 1 - takenByOthers
  if (!(entitlement >= 0 && entitlement <= Math.min(cap, free + Number.EPSILON * 8))) {
    const most = Math.max(Math.min(cap, free), 0)
    throw new DoppelError(
      'limits.entitlement',
      `an entitlement of ${entitlement}; expected 0 to ${Number(most.toFixed(3))}: the machine's cap is ${cap}, and ` +
        `others on its thread are entitled to ${Number(takenByOthers.toFixed(3))}`,
      { entitlement, cap, takenByOthers },
    )
  }
  return { share, cap, entitlement, latency }
}

/** What of this is a limit of the processor's, and given. */
export function cpuLimits({ share, cap, entitlement, latency }: CpuLimits): CpuLimits {
  return {
    ...(share !== undefined && { share }),
    ...(cap !== undefined && { cap }),
    ...(entitlement !== undefined && { entitlement }),
    ...(latency !== undefined && { latency }),
  }
}
