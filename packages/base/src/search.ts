/**
 * How many elements of a sorted list are at its beginning, where `isBefore` holds for those and no others: a binary
 * search, so that the element which holds an address is the one before that number.
 */
export function countBefore<T>(sorted: ArrayLike<T>, isBefore: (element: T) => boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBefore(sorted[middle] as T)) low = middle + 1
    else high = middle
  }
  return low
}
