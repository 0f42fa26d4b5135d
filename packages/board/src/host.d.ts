/** The few globals that Node and browsers share and that the machine's loop needs to wait and to yield. */
declare function setTimeout(run: () => void, delayMs: number): unknown
declare function clearTimeout(timer: unknown): void
declare class MessageChannel {
  readonly port1: MessagePort
  readonly port2: MessagePort
}
declare interface MessagePort {
  onmessage: (() => void) | null
  postMessage(message: unknown): void
  close(): void
}
