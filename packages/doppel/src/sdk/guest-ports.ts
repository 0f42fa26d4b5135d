import type { RunningMachine } from '../run/machine.ts'
import type { PublishedPort } from '../run/network.ts'
import { networkFor } from './limits.ts'

const HOST_ADDRESS = '127.0.0.1'

/** A guest's TCP ports that are reachable on this computer. */
export class GuestPorts {
  readonly #running: Pick<RunningMachine, 'network'>
  /** Those that were asked for, and where they are. */
  readonly #hosts = new Map<number, string>()

  /** Of a machine, whose network may change while it moves. */
  constructor(running: Pick<RunningMachine, 'network'>) {
    this.#running = running
  }

  /** Where a port is reached: `127.0.0.1:PORT`. Throws `net.none`, `net.port`, `net.listen`. */
  async hostOf(guestPort: number): Promise<string> {
    const known = this.#hosts.get(guestPort)
    if (known !== undefined) return known
    const network = networkFor(guestPort, this.#running.network)
    const host = `${HOST_ADDRESS}:${await network.publish({ hostAddress: HOST_ADDRESS, hostPort: 0, guestPort })}`
    this.#hosts.set(guestPort, host)
    return host
  }
  get published(): readonly PublishedPort[] {
    return this.#running.network?.published() ?? []
  }
}
