export type { SourcePosition } from './source-position.ts'
