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
