/** Told how far a piece of long work is; `totalBytes` is undefined when it is not known. */
export type Progress = (step: {
  readonly label: string
  readonly doneBytes: number
  readonly totalBytes: number | undefined
}) => void
