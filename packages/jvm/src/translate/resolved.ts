import { ACC_PRIVATE } from '../class-file/access.ts'
import type { ClassFile } from '../class-file/parse.ts'
import { type Recording, USE } from '../archive/recording.ts'
import type { Field, JavaClass, Method } from '../runtime/classes.ts'
import { nestHostOf } from '../runtime/nests.ts'
import type { Frame } from './frame.ts'

/** The class that a constant names, if it is known without running Java; what is recorded takes it for granted. */
export function classAt(f: Frame, index: number): JavaClass | undefined {
  const cls = f.vm.resolver.peekClass(f.cls, index)
  if (cls) f.context.recording?.uses(cls, USE.loaded)
  return cls
}

/** As `classAt`, for a field. */
export function fieldAt(f: Frame, index: number, isStatic: boolean): Field | undefined {
  const field = f.vm.resolver.peekField(f.cls, index, isStatic)
  if (field && f.context.recording) recordMember(f, f.context.recording, index, field)
  return field
}

/** As `classAt`, for a method. */
export function methodAt(f: Frame, index: number): Method | undefined {
  const method = f.vm.resolver.peekMethod(f.cls, index)
  if (method && f.context.recording) recordMember(f, f.context.recording, index, method)
  return method
}

/** What a member is follows from the class that is named, whose identity covers its superclasses and interfaces. */
function recordMember(f: Frame, recording: Recording, index: number, member: Field | Method): void {
  const { vm, cls } = f
  const { owner } = (cls.file as ClassFile).pool.member(index)
  const named = owner === cls.name ? cls : vm.classes.peek(owner, cls.loader)
  if (!named) {
    recording.fits = false
    return
  }
  recording.uses(named, USE.loaded)
  // Private members may be reached within a nest, whose host has the say (JVMS §5.4.4).
  if (member.info.access & ACC_PRIVATE && member.owner !== cls) {
    recording.uses(nestHostOf(vm, cls), USE.loaded)
    recording.uses(nestHostOf(vm, member.owner), USE.loaded)
  }
}
