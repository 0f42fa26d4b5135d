import type { EntropySource } from '@doppel/base'
import { type Encoding, encode } from '@doppel/engine'

/** Repeatable choices for generated tests, from a seeded entropy source. */
export class RandomSource {
  readonly #source: EntropySource
  readonly #bytes = new Uint8Array(8)
  readonly #view = new DataView(this.#bytes.buffer)

  constructor(source: EntropySource) {
    this.#source = source
  }
  /** 64 random bits. */
  bits64(): bigint {
    this.#source.fill(this.#bytes)
    return this.#view.getBigUint64(0)
  }
  /** 0 to `limit` − 1. */
  below(limit: number): number {
    this.#source.fill(this.#bytes)
    return (this.#view.getUint32(0) * 0x20_0000 + (this.#view.getUint32(4) >>> 11)) % limit
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }
  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }
}

/** A word with an encoding's fixed bits and random fields, none of them excluded; `given` sets some. */
export function randomFields(
  random: RandomSource,
  encoding: Encoding,
  given: Readonly<Record<string, number>>,
): number {
  const values = encoding.fields.map((field): [string, number] => {
    const wanted = given[field.name]
    if (wanted !== undefined) return [field.name, wanted]
    let value: number
    do value = random.below(2 ** field.bits)
    while (field.forbidden.includes(value))
    return [field.name, value + field.bias]
  })
  return encode(encoding, Object.fromEntries(values))
}
