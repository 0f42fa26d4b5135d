/** A dialect as data: what the stages ask about it. */
export interface Dialect {
  readonly name: 'iso' | 'iso-1' | 'ucsd'
  readonly summary: string
  /** Words reserved besides those of ISO 7185 §6.1.2. */
  readonly words: readonly string[]
  /** Conformant array parameters (ISO 7185 §6.6.3.7, level 1). */
  readonly conformantArrays: boolean
  /** `_` in identifiers. */
  readonly underscores: boolean
  /** A comment ends by the kind of bracket it began with; ISO 7185 §6.1.8 lets either end it. */
  readonly pairedComments: boolean
  /** Declarations in any order; ISO 7185 §6.2.1 has one. */
  readonly anyOrder: boolean
  /** `otherwise` in case statements. */
  readonly otherwise: boolean
  /** `string` types with a length at run time. */
  readonly strings: boolean
}

const ISO: Dialect = {
  name: 'iso',
  summary: 'ISO 7185:1990, level 0',
  words: [],
  conformantArrays: false,
  underscores: false,
  pairedComments: false,
  anyOrder: false,
  otherwise: false,
  strings: false,
}

/** The dialects by name. */
export const DIALECTS: Readonly<Record<Dialect['name'], Dialect>> = {
  iso: ISO,
  'iso-1': { ...ISO, name: 'iso-1', summary: 'ISO 7185:1990, level 1: with conformant arrays', conformantArrays: true },
  ucsd: {
    ...ISO,
    name: 'ucsd',
    summary: 'UCSD Pascal',
    words: ['otherwise', 'segment', 'unit', 'uses', 'interface', 'implementation', 'external'],
    underscores: true,
    pairedComments: true,
    anyOrder: true,
    otherwise: true,
    strings: true,
  },
}
