import type { JavaClass } from '../runtime/classes.ts'
import { MachineExit } from '../runtime/exit.ts'
import { genericSignature } from './commands-types.ts'
import { command, type CommandRow } from './command.ts'
import { signatureOfClass, statusOf, typeTag } from './class-info.ts'
import type { Debugger } from './debugger.ts'
import type { PacketWriter } from './packet.ts'

/** Sizes of identifiers: fields, methods, objects, types, frames. */
const ID_BYTES = 8
/** CapabilitiesNew has so many answers; all of ours but these are no. */
const CAPABILITIES = 32
const CAN_GET_BYTECODES = 2

/** Classes and arrays as a debugger lists them: primitive types are none. */
function types(on: Debugger): JavaClass[] {
  return on.vm.classes.all().filter(cls => !cls.primitive && !cls.hidden)
}
function allClasses(on: Debugger, out: PacketWriter, generic: boolean): void {
  out.list(types(on), cls => {
    out.u1(typeTag(cls)).id(on.ids.ofClass(cls)).string(signatureOfClass(cls))
    if (generic) out.string(cls.file ? genericSignature(cls.file, cls.file.attributes) : '')
    out.i4(statusOf(cls))
  })
}
function classPath(on: Debugger): string[] {
  return (on.vm.options.properties['java.class.path'] ?? '').split(':')
}

/** VirtualMachine (1). */
export const machineCommands: readonly CommandRow[] = [
  command(1, 1, 'Version', (on, _input, out) => {
    const version = on.vm.options.properties['java.version'] ?? '17'
    out.string('doppel Java virtual machine').i4(17).i4(0).string(version).string('doppel')
  }),
  command(1, 2, 'ClassesBySignature', (on, input, out) => {
    const signature = input.string()
    const found = types(on).filter(cls => signatureOfClass(cls) === signature)
    out.list(found, cls => out.u1(typeTag(cls)).id(on.ids.ofClass(cls)).i4(statusOf(cls)))
  }),
  command(1, 3, 'AllClasses', (on, _input, out) => allClasses(on, out, false)),
  command(1, 4, 'AllThreads', (on, _input, out) =>
    out.list(on.vm.threads.all(), thread => out.id(on.ids.ofObject(thread.object))),
  ),
  command(1, 5, 'TopLevelThreadGroups', (on, _input, out) =>
    out.i4(1).id(on.ids.ofObject(on.vm.state.get('systemThreadGroup') as object)),
  ),
  command(1, 6, 'Dispose', on => on.release()),
  command(1, 7, 'IDSizes', (_on, _input, out) => {
    for (let i = 0; i < 5; i++) out.i4(ID_BYTES)
  }),
  command(1, 8, 'Suspend', on => on.suspendAll()),
  command(1, 9, 'Resume', on => on.resumeAll()),
  command(1, 10, 'Exit', (on, input) => {
    const status = input.i4()
    on.vm.stop = () => {
      throw new MachineExit(status)
    }
    on.release()
    on.vm.threads.onFailure(new MachineExit(status))
  }),
  command(1, 11, 'CreateString', (on, input, out) => out.id(on.ids.ofObject(on.vm.heap.string(input.string())))),
  command(1, 12, 'Capabilities', (_on, _input, out) => {
    for (let i = 0; i < 7; i++) out.boolean(i === CAN_GET_BYTECODES)
  }),
  command(1, 13, 'ClassPaths', (on, _input, out) => {
    out.string(on.vm.host.workingFolder).list(classPath(on), path => out.string(path))
    out.list([], () => undefined)
  }),
  command(1, 14, 'DisposeObjects', (on, input) => {
    for (let count = input.count(); count > 0; count--) {
      on.ids.dispose(input.id())
      input.i4()
    }
  }),
  command(1, 15, 'HoldEvents', on => on.hold(true)),
  command(1, 16, 'ReleaseEvents', on => on.hold(false)),
  command(1, 17, 'CapabilitiesNew', (_on, _input, out) => {
    for (let i = 0; i < CAPABILITIES; i++) out.boolean(i === CAN_GET_BYTECODES)
  }),
  command(1, 19, 'SetDefaultStratum', () => undefined),
  command(1, 20, 'AllClassesWithGeneric', (on, _input, out) => allClasses(on, out, true)),
]
