import { Endpoint, POLL } from '../net/endpoint.ts'
import { HostIoError, type Vm } from '../runtime/vm.ts'
import type { Work } from '../runtime/tasks.ts'
import { JavaProblem } from '../problem.ts'
import { filesOf } from './java-io.ts'
import { natives } from './table.ts'

/** struct epoll_event on x86-64: events, then a descriptor’s number as the data. */
const [EVENT_BYTES, DATA_OFFSET] = [12, 4]
const [CTL_ADD, CTL_DEL, CTL_MOD] = [1, 2, 3]
const ONE_SHOT = 1 << 30
/** errno(3). */
const [ENOENT, EBADF, EEXIST] = [2, 9, 17]

/** An epoll(7) instance: what is waited for, by descriptor number. */
class Interest extends Endpoint {
  readonly watched: Map<number, { readonly endpoint: Endpoint; events: number }> = new Map()

  get ready(): number {
    return 0
  }
  get available(): number {
    return 0
  }
  read(): undefined {
    return undefined
  }
  write(): number {
    return 0
  }
  protected closing(): void {
    this.watched.clear()
  }
}

function interestAt(vm: Vm, fd: number): Interest {
  const endpoint = filesOf(vm).get(fd)?.endpoint
  if (endpoint instanceof Interest) return endpoint
  throw new JavaProblem('java/io/IOException', 'Bad file descriptor')
}

natives('sun/nio/ch/EPoll', {
  eventSize: () => EVENT_BYTES,
  eventsOffset: () => 0,
  dataOffset: () => DATA_OFFSET,
  create: (vm: Vm) => {
    try {
      return vm.sockets.open(new Interest())
    } catch (error) {
      if (error instanceof HostIoError) throw new JavaProblem('java/io/IOException', error.reason)
      throw error
    }
  },
  ctl: (vm: Vm, at: number, operation: number, fd: number, events: number) => {
    const interest = interestAt(vm, at)
    const known = interest.watched.get(fd)
    const endpoint = filesOf(vm).get(fd)?.endpoint
    if (operation === CTL_ADD) {
      if (!endpoint) return EBADF
      if (known?.endpoint === endpoint) return EEXIST
      interest.watched.set(fd, { endpoint, events })
    } else if (!known) return ENOENT
    else if (operation === CTL_MOD) known.events = events
    else if (operation === CTL_DEL) interest.watched.delete(fd)
    // Another thread may be waiting for what it was.
    interest.changed()
    return 0
  },
  *wait(vm: Vm, at: number, address: bigint, max: number, timeoutMs: number): Work<number> {
    const interest = interestAt(vm, at)
    const fill = (): number => {
      let count = 0
      for (const [fd, one] of interest.watched) {
        if (one.endpoint.isClosed) continue
        const ready = one.endpoint.ready & (one.events | POLL.error | POLL.hangUp)
        if (ready === 0 || one.events === 0 || count === max) continue
        const to = Number(address) + count++ * EVENT_BYTES
        vm.view.setInt32(to, ready, true)
        vm.view.setInt32(to + DATA_OFFSET, fd, true)
        if (one.events & ONE_SHOT) one.events = 0
      }
      return count
    }
    const open = (): Endpoint[] => [...interest.watched.values()].map(one => one.endpoint).filter(e => !e.isClosed)
    return yield* vm.sockets.wait(() => [interest, ...open()], fill, timeoutMs)
  },
})
