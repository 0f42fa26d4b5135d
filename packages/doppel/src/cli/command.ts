/** One flag of a command. */
export interface Flag {
  readonly name: string
  readonly short?: string
  /** Another spelling of the whole word, where some other program has made it known, e.g. `-cp`. */
  readonly alias?: string
  /** What its value is called in the help; a flag without one is on or off. */
  readonly value?: string
  /** May be given more than once. */
  readonly multiple?: boolean
  readonly summary: string
}

/** Where a command's output goes; tests give their own. */
export interface Streams {
  stdout(text: string): void
  stderr(text: string): void
  readonly stderrIsTerminal: boolean
}

/** A command line read against its command's table. */
export interface Invocation {
  /** What was given, as it was given. */
  readonly words: readonly string[]
  readonly arguments: readonly string[]
  /** What follows `--`, or undefined when there is no `--`. */
  readonly rest: readonly string[] | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly streams: Streams
  readonly has: (flag: string) => boolean
  /** The last value given. */
  readonly value: (flag: string) => string | undefined
  readonly values: (flag: string) => readonly string[]
}

/** One row of the command table. */
export interface Command {
  /** One or two words. */
  readonly name: string
  readonly summary: string
  /** What follows the name in the usage line. */
  readonly usage: string
  readonly maxArguments: number
  readonly minArguments: number
  readonly takesRest?: boolean
  /** After so many arguments all is the guest's, whether or not `--` says so. */
  readonly restAfter?: number
  readonly flags: readonly Flag[]
  /** A command line and what it does. */
  readonly examples: readonly (readonly [string, string])[]
  /** For commands with a command line of another program’s: gets all words, and `run` is not used. */
  readonly runWords?: (
    words: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
    streams: Streams,
  ) => Promise<number>
  /** Returns the exit status. */
  run(invocation: Invocation): Promise<number>
}
