import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { DoppelError, type NetPort } from '@doppel/base'
import { FrameReader, messageFrame, readMessage } from '../control/frames.ts'
import type { NetworkSocket, PublishedPort, PublishOption } from '../run/network.ts'
import { NETWORK_PROCESS } from './carrier.ts'
import { findNetwork, networkSocket } from './definitions.ts'
import { ethernetFrame, MAX_UNSENT_BYTES, NetFrame, offloadedFrame } from './frames.ts'

type Environment = Readonly<Record<string, string | undefined>>
const PROGRAM = fileURLToPath(new URL('../../bin/doppel.js', import.meta.url))
/** How long the network's process may take to come up. */
const START_MS = 10_000
/** How long until another process is started: one that finds the network carried ends, and so may the one it found. */
const RESTART_MS = 2000
const POLL_MS = 50

/**
 * A machine's place in a network with a name, whose process is started when there is none; when that dies, another is,
 * and the machine joins that with the same address; `mac` is its card's if it has one already. Throws `net.unknown`, `net.lost`.
 */
export async function joinNetwork(name: string, env: Environment, mac = ''): Promise<NetworkSocket> {
  const joined = new Joined(name, env)
  joined.mac = mac
  await joined.join()
  return joined
}

class Joined implements NetworkSocket {
  readonly port: NetPort
  mac = ''
  readonly #name: string
  readonly #env: Environment
  readonly #published: PublishedPort[] = []
  readonly #answers = new Map<number, PromiseWithResolvers<number>>()
  #receive: Parameters<NetPort['onFrame']>[0] = () => undefined
  #socket: Socket | undefined
  #isClosed = false
  #nextId = 1

  constructor(name: string, env: Environment) {
    this.#name = name
    this.#env = env
    this.port = {
      takesOffload: true,
      send: (bytes, offload) => {
        const socket = this.#socket
        if (socket && socket.writableLength < MAX_UNSENT_BYTES) socket.write(ethernetFrame(bytes, offload))
      },
      onFrame: receive => {
        this.#receive = receive
      },
    }
  }

  /** Connects, and publishes anew what was published. */
  async join(): Promise<void> {
    await findNetwork(this.#name, this.#env)
    const socket = await this.#connect()
    const welcome = Promise.withResolvers<string>()
    const reader = new FrameReader()
    const lost = (): void => welcome.reject(new DoppelError('net.lost', `the network ${this.#name} went away`))
    socket.on('error', lost)
    socket.once('close', () => {
      lost()
      for (const { reject } of this.#answers.values()) reject(new DoppelError('net.lost', 'the network went away'))
      this.#answers.clear()
      this.#socket = undefined
      if (!this.#isClosed) void this.#rejoin()
    })
    socket.on('data', (data: Uint8Array) => {
      for (const { type, bytes } of reader.feed(data)) {
        if (type === NetFrame.plain) this.#receive(bytes)
        else if (type === NetFrame.offload) {
          const came = offloadedFrame(bytes)
          if (came) this.#receive(came.bytes, came.offload)
        } else if (type === NetFrame.message) this.#hear(readMessage(bytes), welcome.resolve)
      }
    })
    socket.write(messageFrame(this.mac === '' ? {} : { mac: this.mac }))
    this.mac = await welcome.promise
    this.#socket = socket
    for (const each of this.#published) await this.#ask(each)
  }

  async publish(option: PublishOption): Promise<number> {
    const hostPort = await this.#ask(option)
    this.#published.push({ ...option, hostPort })
    return hostPort
  }
  published(): readonly PublishedPort[] {
    return this.#published
  }
  close(): void {
    this.#isClosed = true
    this.#socket?.destroy()
  }

  async #ask(publish: PublishOption): Promise<number> {
    const id = this.#nextId++
    const answer = Promise.withResolvers<number>()
    this.#answers.set(id, answer)
    if (!this.#socket) answer.reject(new DoppelError('net.lost', `the network ${this.#name} is not there just now`))
    this.#socket?.write(messageFrame({ publish, id }))
    return await answer.promise
  }

  #hear(message: Readonly<Record<string, unknown>>, welcomed: (mac: string) => void): void {
    const { mac, id, port, error } = message
    if (typeof mac === 'string') welcomed(mac)
    const answer = typeof id === 'number' ? this.#answers.get(id) : undefined
    if (typeof port === 'number') answer?.resolve(port)
    else if (typeof error === 'string') answer?.reject(new DoppelError('net.listen', error))
    if (answer) this.#answers.delete(id as number)
  }

  /** Until the network is there again, or has been removed, or this machine leaves. */
  async #rejoin(): Promise<void> {
    while (!this.#isClosed) {
      try {
        return await this.join()
      } catch (error) {
        if (error instanceof DoppelError && error.code === 'net.unknown') return
        await sleep(START_MS / 10)
      }
    }
  }

  async #connect(): Promise<Socket> {
    const path = networkSocket(this.#name, this.#env)
    for (let waitedMs = 0; waitedMs < START_MS; waitedMs += POLL_MS) {
      const socket = await connected(path)
      if (socket) return socket
      if (waitedMs % RESTART_MS === 0) startCarrier(this.#name, this.#env)
      await sleep(POLL_MS)
    }
    throw new DoppelError('net.lost', `the process of the network ${this.#name} did not come up`, { name: this.#name })
  }
}

/** Starts the process that carries a network, which ends by itself. */
function startCarrier(name: string, env: Environment): void {
  const child = spawn(process.execPath, [PROGRAM, NETWORK_PROCESS, name], {
    detached: true,
    stdio: 'ignore',
    env: { ...env },
  })
  child.on('error', () => undefined)
  child.unref()
}

function connected(path: string): Promise<Socket | undefined> {
  return new Promise(resolve => {
    const socket = connect(path, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', () => resolve(undefined))
  })
}
