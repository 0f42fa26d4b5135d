import type { ProcessOutput, RunningCommand } from '@doppel/monitor'

/** The command that a machine in a process of its own is for: the machine ends with it, and moves with it. */
export class MainCommand {
  /** Once it has been started, or has come with its machine. */
  running: RunningCommand | undefined
  /** Its number in the agent, by which the machine's next process knows it. */
  id: number | undefined
  /** Who gets its output. */
  show: (bytes: Uint8Array) => void = () => undefined
  readonly output: ProcessOutput = { onStdout: bytes => this.show(bytes), onStderr: bytes => this.show(bytes) }

  /** Takes a command that has been started. */
  take(running: RunningCommand & { readonly id?: number }): void {
    this.running = running
    this.id = running.id
  }
}
