import type { CharPort } from '@doppel/base'
import { ByteQueue } from '../byte-queue.ts'
import { defineVirtio, type VirtioDevice } from './device.ts'

/** Host input kept until the guest posts buffers for it. */
export const CONSOLE_INPUT_LIMIT_BYTES: number = 1024 * 1024

const F_SIZE = 1n << 0n
/** Bytes handed to the port at once, and put into one buffer at once. */
const MAX_PIECE_BYTES = 65_536
// struct virtio_console_config, Virtio 1.2 §5.3.4.
const CONFIG_BYTES = 12
const CONFIG_COLUMNS = 0
const CONFIG_ROWS = 2
const CONFIG_PORTS = 4

/** Console with one port; a terminal's size is passed on, and its changes interrupt. Virtio 1.2 §5.3. */
export const virtioConsole: (options: { readonly port: CharPort }) => VirtioDevice = defineVirtio({
  id: 3,
  name: 'console',
  pciClass: 0x07_8000,
  create: ({ port }: { readonly port: CharPort }, host) => {
    const input = new ByteQueue(CONSOLE_INPUT_LIMIT_BYTES)
    const deliver = (): void => {
      while (input.length > 0) {
        const chain = host.take('receive')
        if (!chain) return
        chain.writable.write(input.take(Math.min(chain.writable.lengthBytes, MAX_PIECE_BYTES)))
        chain.complete()
      }
    }
    port.onInput(bytes => {
      input.push(bytes)
      deliver()
    })
    port.onResize?.(() => host.configChanged())
    return {
      features: port.size?.() ? F_SIZE : 0n,
      queueSize: 64,
      config: () => {
        const size = port.size?.()
        const view = new DataView(new ArrayBuffer(CONFIG_BYTES))
        view.setUint16(CONFIG_COLUMNS, size?.columns ?? 0, true)
        view.setUint16(CONFIG_ROWS, size?.rows ?? 0, true)
        view.setUint32(CONFIG_PORTS, 1, true)
        return new Uint8Array(view.buffer)
      },
      save: () => input.peek(),
      restore: state => {
        input.clear()
        if (state instanceof Uint8Array) input.push(state)
      },
      queues: {
        receive: { posted: deliver },
        transmit: chain => {
          while (chain.readable.remainingBytes > 0) port.write(chain.readable.read(MAX_PIECE_BYTES))
          chain.complete()
        },
      },
    }
  },
})
