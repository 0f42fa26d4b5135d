import { DoppelError, type Saved } from '@doppel/base'
import type { AclintState, PciHostState, PlicState, RtcState, UartState, VirtioMmioState } from '@doppel/devices'
import type { SbiHartState } from './sbi/firmware.ts'
import type { VirtDevices } from './virt-devices.ts'

/** The shape below; a change that old readers would misread counts it up. */
const VERSION = 1

/** A `virt` machine between slices, memory and disks aside. */
export interface VirtState {
  readonly version: typeof VERSION
  readonly cpus: number
  readonly memoryBytes: number
  /** What the guest's monotonic clock showed. */
  readonly clockNs: number
  /** The CPU's own. */
  readonly cpu: Saved
  readonly firmware: readonly SbiHartState[]
  readonly devices: DeviceStates
}

/** The board's devices. */
export interface DeviceStates {
  readonly aclint: AclintState
  readonly plic: PlicState
  readonly uart: UartState
  readonly rtc: RtcState
  readonly pci: PciHostState
  /** Absent where it was saved before there was such a thing. */
  readonly mmio?: readonly VirtioMmioState[]
}

/** Checks that this is a state that this version reads. Throws `snapshot.version`, `snapshot.format`. */
export function readVirtState(saved: Saved): VirtState {
  const state = saved as Partial<VirtState> | undefined | null
  if (typeof state?.version !== 'number') {
    throw new DoppelError('snapshot.format', 'this is not the state of a virt machine')
  }
  if (state.version !== VERSION) {
    throw new DoppelError(
      'snapshot.version',
      `the snapshot's machine state has version ${String(state.version)}, this doppel reads ${String(VERSION)}; use the doppel that made it`,
      { version: state.version },
    )
  }
  return state as VirtState
}

/** The state as the codec takes it. */
export function virtState(parts: Omit<VirtState, 'version'>): Saved {
  return { version: VERSION, ...parts } as unknown as Saved
}

/** What the board's devices remember. Throws `snapshot.device` for one that cannot be saved. */
export function saveDevices({ aclint, plic, uart, rtc, pci, mmio }: VirtDevices): DeviceStates {
  return {
    aclint: aclint.save(),
    plic: plic.save(),
    uart: uart.save(),
    rtc: rtc.save(),
    pci: pci.save(),
    mmio: mmio.map(device => device.save()),
  }
}

/** The interrupt controller comes first: the wires that the others drive then change nothing. */
export function restoreDevices({ aclint, plic, uart, rtc, pci, mmio }: VirtDevices, state: DeviceStates): void {
  plic.restore(state.plic)
  pci.restore(state.pci)
  for (const [i, device] of mmio.entries()) {
    const saved = state.mmio?.[i]
    if (saved) device.restore(saved)
  }
  uart.restore(state.uart)
  rtc.restore(state.rtc)
  aclint.restore(state.aclint)
}

/** Chains that the host has yet to give back. */
export function pendingChains({ pci, mmio }: VirtDevices): number {
  return mmio.reduce((sum, device) => sum + device.pending(), pci.pending())
}
