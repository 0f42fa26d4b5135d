/** A dialect as data: what the stages ask about it. */
export interface Dialect {
  readonly name: 'iso' | 'iso-1'
  readonly summary: string
  /** Conformant array parameters (ISO 7185 §6.6.3.7, level 1). */
  readonly conformantArrays: boolean
}

/** The dialects by name. */
export const DIALECTS: Readonly<Record<Dialect['name'], Dialect>> = {
  iso: { name: 'iso', summary: 'ISO 7185:1990, level 0', conformantArrays: false },
  'iso-1': { name: 'iso-1', summary: 'ISO 7185:1990, level 1: with conformant arrays', conformantArrays: true },
}
