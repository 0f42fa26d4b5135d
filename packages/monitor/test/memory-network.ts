import type { HostNetwork, HostStream, StreamEvents } from '../src/net/host-network.ts'

/** A host in memory: it notes what is asked of it, and tests answer. */
export class MemoryNetwork implements HostNetwork {
  readonly connects: { readonly target: string; readonly events: StreamEvents; readonly stream: MemoryStream }[] = []
  readonly datagramsSent: string[] = []
  readonly sockets: { received: (from: string, port: number, bytes: Uint8Array) => void; isClosed: boolean }[] = []
  accept: ((stream: HostStream, listen: (events: StreamEvents) => void) => void) | undefined

  connect(address: string, port: number, events: StreamEvents): HostStream {
    const stream = new MemoryStream()
    this.connects.push({ target: `${address} ${port}`, events, stream })
    return stream
  }

  async listen(
    _address: string,
    port: number,
    accept: (stream: HostStream, listen: (events: StreamEvents) => void) => void,
  ): Promise<{ readonly port: number; close(): void }> {
    this.accept = accept
    return await Promise.resolve({ port: port || 40_000, close: () => undefined })
  }

  datagrams(
    _version: 4 | 6,
    received: (from: string, port: number, bytes: Uint8Array) => void,
  ): { send(address: string, port: number, bytes: Uint8Array): void; close(): void } {
    const socket = { received, isClosed: false }
    this.sockets.push(socket)
    return {
      send: (address, port, bytes) => this.datagramsSent.push(`${address} ${port} ${bytes.join()}`),
      close: () => {
        socket.isClosed = true
      },
    }
  }
}

/** The host's half of a stream; what is written counts as sent at once unless `holds`. */
export class MemoryStream implements HostStream {
  readonly written: number[] = []
  readonly calls: string[] = []
  holds = false

  write(bytes: Uint8Array, sent: () => void): void {
    this.written.push(...bytes)
    if (!this.holds) sent()
  }
  end(): void {
    this.calls.push('end')
  }
  destroy(): void {
    this.calls.push('destroy')
  }
  pause(): void {
    this.calls.push('pause')
  }
  resume(): void {
    this.calls.push('resume')
  }
}
