/** The few globals that Node and browsers share and that low packages may use. */
declare const performance: { now(): number; readonly timeOrigin: number }
declare const crypto: { getRandomValues(into: Uint8Array<ArrayBuffer>): void }
