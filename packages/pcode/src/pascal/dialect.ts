/** A dialect as data: what the stages ask about it. */
export interface Dialect {
  readonly name: 'iso' | 'iso-1' | 'ucsd'
  readonly summary: string
  /** Conformant array parameters (ISO 7185 §6.6.3.7, level 1). */
  readonly conformantArrays: boolean
  /** Strings of varying length, their procedures and functions, and those on memory (UCSD Pascal II.0). */
  readonly strings: boolean
  /** `integer[n]`, and what it takes to have integers of up to 36 digits (UCSD Pascal II.0). */
  readonly longIntegers: boolean
  /** Columns that an integer is written in where a program says nothing; undefined for the machine’s usual number. */
  readonly integerWidth: number | undefined
  /** Files are opened by their titles, may have no type, and their failures may be looked at (UCSD Pascal II.0). */
  readonly titles: boolean
  /** A case without a match does nothing, or what `otherwise` says. */
  readonly lenientCase: boolean
  /** A variant part need not have a variant for every value of its tag. */
  readonly lenientVariants: boolean
  /** `=` and `<>` of whole records and arrays (UCSD Pascal II.0). */
  readonly comparesStructures: boolean
  /** `ord` of a pointer is its address. */
  readonly ordOfPointers: boolean
  /** `eof` and `eoln` of a file that is not open, and `eoln` at the end of one, are true. */
  readonly closedAtEnd: boolean
  /** `exit(routine)`. */
  readonly exits: boolean
  /** `unit`, `uses`. */
  readonly units: boolean
  /** `segment procedure`. */
  readonly segments: boolean
  /** `{$I file}` takes in another file. */
  readonly includes: boolean
  /** `''` is a string. */
  readonly emptyStrings: boolean
  /** `{` ends with `}` only, `(*` with `*)` only. */
  readonly ownCommentEnds: boolean
  /** Identifiers may have `_` in them. */
  readonly underscores: boolean
  /** `input` and `output` are there, whether or not they are program parameters. */
  readonly standardFiles: boolean
}

/** What the standard does not have. */
const NO_EXTENSIONS = {
  strings: false,
  longIntegers: false,
  titles: false,
  integerWidth: undefined,
  lenientCase: false,
  lenientVariants: false,
  comparesStructures: false,
  ordOfPointers: false,
  closedAtEnd: false,
  exits: false,
  units: false,
  segments: false,
  includes: false,
  emptyStrings: false,
  ownCommentEnds: false,
  underscores: false,
  standardFiles: false,
} as const

/** The dialects by name. */
export const DIALECTS: Readonly<Record<Dialect['name'], Dialect>> = {
  iso: { name: 'iso', summary: 'ISO 7185:1990, level 0', conformantArrays: false, ...NO_EXTENSIONS },
  'iso-1': {
    name: 'iso-1',
    summary: 'ISO 7185:1990, level 1: with conformant arrays',
    conformantArrays: true,
    ...NO_EXTENSIONS,
  },
  ucsd: {
    name: 'ucsd',
    summary:
      'what UCSD Pascal II.0 adds: strings, long integers, titled files, otherwise, exit, include files, units, segment procedures',
    conformantArrays: false,
    strings: true,
    longIntegers: true,
    titles: true,
    integerWidth: 1,
    lenientCase: true,
    lenientVariants: true,
    comparesStructures: true,
    ordOfPointers: true,
    closedAtEnd: true,
    exits: true,
    units: true,
    segments: true,
    includes: true,
    emptyStrings: true,
    ownCommentEnds: true,
    underscores: true,
    standardFiles: true,
  },
}
