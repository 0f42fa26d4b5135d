/** Frames have numbers among those of all threads: each thread has room for so many. */
const FRAMES_OF_THREAD = 1_000_000

/** A client's number for a frame of a thread; never 0. */
export function frameId(thread: number, frame: number): number {
  return thread * FRAMES_OF_THREAD + frame + 1
}
/** What such a number stands for; the innermost frame of the first thread for none. */
export function framePlace(id: number): [frame: number, thread: number] {
  const at = Math.max(0, id - 1)
  return [at % FRAMES_OF_THREAD, Math.floor(at / FRAMES_OF_THREAD)]
}
