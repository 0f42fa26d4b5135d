export { Aclint, type AclintConfig, type AclintState } from './aclint.ts'
export { Bus, type Mapping, type MmioDevice, type MmioWidth, type RegisterName } from './bus.ts'
export { GoldfishRtc, type RtcState } from './goldfish-rtc.ts'
export { GenerationId } from './vmgenid.ts'
export { SharedLine, unwiredLine } from './irq.ts'
export { Plic, type PlicConfig, type PlicState } from './plic.ts'
export { type PowerRequest, Syscon } from './syscon.ts'
export { UART_INPUT_LIMIT_BYTES, Uart16550, type UartState } from './uart16550.ts'
export {
  type PciBar,
  type PciCapability,
  type PciFunction,
} from './pci-config.ts'
export {
  intxWire,
  PCI_ECAM_BYTES,
  PCI_SLOTS,
  PciHost,
  type PciHostConfig,
  type PciHostState,
  type PciWindow,
} from './pci-host.ts'
export { type Chain, type ReadableBytes, type WritableBytes } from './virtio/chain.ts'
export {
  defineVirtio,
  type DeviceFault,
  type PacedWork,
  type QueueService,
  type VirtioDefinition,
  type VirtioDevice,
  type VirtioHost,
  type VirtioParts,
} from './virtio/device.ts'
export { VirtioMmio, type VirtioMmioState } from './virtio/mmio.ts'
export { virtioPci } from './virtio/pci.ts'
export { Balloon, type BalloonMemory, virtioBalloon } from './virtio/balloon.ts'
export { virtioRng } from './virtio/rng.ts'
export { NetSwitch } from './net-switch.ts'
export { type VirtioBlkOptions, virtioBlk } from './virtio/blk.ts'
export { CONSOLE_INPUT_LIMIT_BYTES, virtioConsole } from './virtio/console.ts'
export { CHANNEL_INPUT_LIMIT_BYTES, virtioChannels } from './virtio/channels.ts'
export { NET_RECEIVE_LIMIT_FRAMES, type VirtioNetOptions, virtioNet } from './virtio/net.ts'
export { Errno } from './errno.ts'
export {
  type AttributeChanges,
  type Attributes,
  type DirectoryEntry,
  type Entry,
  type FolderStatistics,
  type FolderStore,
  type NodeId,
  NodeTable,
  type OpenFile,
  type OpenMode,
  type Outcome,
  ROOT_NODE,
} from './folder-store.ts'
export { MemoryFolder, type MemoryFolderOptions } from './memory-folder.ts'
export { type VirtioFsOptions, virtioFs } from './virtio/fs.ts'
