import type { EntropySource } from '@doppel/base'
import { defineVirtio, type VirtioDevice } from './device.ts'

/** Bytes given for one request, however long its buffers; a driver that wants more asks again. */
const MAX_REQUEST_BYTES = 65_536

/** Entropy device: the guest posts writable buffers, we fill them. Virtio 1.2 §5.4. */
export const virtioRng: (options: { readonly entropy: EntropySource }) => VirtioDevice = defineVirtio({
  id: 4,
  name: 'rng',
  create: ({ entropy }: { readonly entropy: EntropySource }) => ({
    queues: {
      request: chain => {
        const bytes = new Uint8Array(Math.min(chain.writable.lengthBytes, MAX_REQUEST_BYTES))
        entropy.fill(bytes)
        chain.writable.write(bytes)
        chain.complete()
      },
    },
  }),
})
