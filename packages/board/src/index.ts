export { cells, type FdtCells, type FdtNode, type FdtReference, type FdtValue, writeFdt } from './fdt.ts'
export { type FdtTree, fdtCells, fdtNode, fdtStrings, readFdt } from './fdt-reader.ts'
export {
  compressionOf,
  type KernelFormat,
  kernelFormat,
  parseRiscvImage,
  type RiscvImageHeader,
} from './kernel-image.ts'
export { type BootFile, BootLoader, type GuestRange } from './load.ts'
export type { SbiConsole, SbiExtension, SbiFunction, SbiResetRequest, SbiReturn } from './sbi/abi.ts'
export { type SbiConfig, SbiFirmware, sbiFunctions } from './sbi/firmware.ts'
export { type HostTasks, hostTasks } from './host-tasks.ts'
export { VIRT, VIRT_IRQ, VIRT_MAX_HARTS, VIRT_MAX_MEMORY_BYTES, VIRT_MIN_MEMORY_BYTES } from './memory-map.ts'
export { type FaultEvent, type FaultKind, type FaultRates, FAULTS } from './faults.ts'
export type { MachineEnd, StuckTrap } from './machine-end.ts'
export type { Moment } from './moment.ts'
export { VirtMachine } from './virt.ts'
export type { DeterministicRun, InputTape, RestoredBoot, VirtBoot, VirtMachineConfig } from './virt-config.ts'
export { type RiscvIsaDescription, type VirtTreeConfig, virtTree } from './virt-tree.ts'
