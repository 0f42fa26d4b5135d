import { DoppelError } from '@doppel/base'

/** A request's arguments, as they came: nothing is known of them until it is asked for. */
export class Arguments {
  readonly #values: Readonly<Record<string, unknown>>
  constructor(values: unknown) {
    this.#values = isObject(values) ? values : {}
  }
  get all(): Readonly<Record<string, unknown>> {
    return this.#values
  }
  /** Throws `dap.argument` where it is no text. */
  text(name: string): string {
    const value = this.#values[name]
    if (typeof value === 'string') return value
    throw new DoppelError('dap.argument', `${name} must be a text`, { name })
  }
  optionalText(name: string): string | undefined {
    return this.#values[name] === undefined ? undefined : this.text(name)
  }
  /** Throws `dap.argument` where it is no whole number from 0 on. */
  count(name: string, absent?: number): number {
    const value = this.#values[name] ?? absent
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
    throw new DoppelError('dap.argument', `${name} must be a number`, { name })
  }
  /** Throws `dap.argument` where it is no whole number. */
  integer(name: string, absent?: number): number {
    const value = this.#values[name] ?? absent
    if (Number.isSafeInteger(value)) return value as number
    throw new DoppelError('dap.argument', `${name} must be a number`, { name })
  }
  isSet(name: string, absent = false): boolean {
    const value = this.#values[name]
    return typeof value === 'boolean' ? value : absent
  }
  object(name: string): Arguments {
    return new Arguments(this.#values[name])
  }
  /** Empty where there is none. */
  list(name: string): readonly Arguments[] {
    const value: unknown = this.#values[name]
    return Array.isArray(value) ? value.map(item => new Arguments(item)) : []
  }
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
