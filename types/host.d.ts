/** The few globals that Node and browsers share and that low packages may use. */
declare const performance: { now(): number; readonly timeOrigin: number }
declare const crypto: { getRandomValues(into: Uint8Array<ArrayBuffer>): void }
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
}
declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean })
  decode(bytes: Uint8Array): string
}
/** The few globals that Node and browsers share and that the machine's loop needs to wait and to yield. */
declare function setTimeout(run: () => void, delayMs: number): HostTimer
declare function clearTimeout(timer: HostTimer | undefined): void
/** A number in browsers, an object in Node: only ever handed back. */
declare interface HostTimer {
  readonly hostTimer: never
}
declare class MessageChannel {
  readonly port1: MessagePort
  readonly port2: MessagePort
}
declare interface MessagePort {
  onmessage: (() => void) | null
  postMessage(message: unknown): void
  close(): void
}
