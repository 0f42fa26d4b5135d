export type { CodeStore } from './archive/archive.ts'
export { parseCode } from './class-file/code.ts'
export { type ClassFile, parseClassFile } from './class-file/parse.ts'
export type { DebugConnection, DebugListener } from './debug/debugger.ts'
export { Java } from './interop/java.ts'
export { JavaObject, JavaType } from './interop/objects.ts'
export {
  type Arguments,
  JavaException,
  type JavaFunction,
  type JavaValue,
  type Result,
  type Untyped,
} from './interop/values.ts'
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
export { memoryHost, type MemoryHostOptions } from './host/memory-host.ts'
export { OPCODES } from './opcodes.ts'
export { JavaProblem } from './problem.ts'
export {
  type ClassLibrary,
  type HostFile,
  type HostFileInfo,
  HostIoError,
  type JvmHost,
  type VmOptions,
} from './runtime/vm.ts'
