import type { InputStream, OutputStream } from '@doppel/pcode'
import type { Streams } from '../cli/command.ts'
import type { ProgramTurns } from './turns.ts'

/** What a program has of the world outside it. */
export interface ProgramWorld {
  /** In place of this process's own standard streams. */
  readonly standard?: {
    readonly input: InputStream & {
      /** Ends input at once. */
      cut(): void
    }
    readonly output: OutputStream
  }
  /** Where doppel itself says what there is to say. */
  readonly streams: Streams
  readonly turns: ProgramTurns
}

/** A program that has begun. */
export interface ProgramRun {
  /** Its exit status. Rejects with what the machine itself cannot do. */
  readonly status: Promise<number>
  /** Asks it to end, as SIGTERM does; absent where it cannot be asked. */
  ask?(): void
  /** Ends it with this status, whatever it does. */
  end(status: number): void
  /** The most that its values may take. */
  readonly memoryLimitBytes: number
}
