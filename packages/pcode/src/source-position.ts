/** A place in a source text: line and column count from 1, as editors show them. */
export interface SourcePosition {
  readonly file: string
  readonly line: number
  readonly column: number
}
