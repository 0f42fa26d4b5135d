export type { CodeStore } from './archive/archive.ts'
export { parseCode } from './class-file/code.ts'
export { type ClassFile, parseClassFile } from './class-file/parse.ts'
export { type JavaProgram, JavaMachine, type JvmStatistics } from './jvm.ts'
export { type ImageBytes, imageInMemory, RuntimeImage } from './jimage.ts'
export type {
  Accept,
  JvmNetwork,
  NetworkAddress,
  NetworkEvents,
  NetworkFailure,
  NetworkStream,
} from './net/network-port.ts'
export { JavaProblem } from './problem.ts'
export {
  type ClassLibrary,
  type HostFile,
  type HostFileInfo,
  HostIoError,
  type JvmHost,
  type VmOptions,
} from './runtime/vm.ts'
