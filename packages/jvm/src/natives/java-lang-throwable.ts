import { findAttribute } from '../class-file/parse.ts'
import { lineAt } from '../class-file/code.ts'
import { readU2 } from '../class-file/bytes.ts'
import type { JavaClass, Ref } from '../runtime/classes.ts'
import { dotted, loaderName } from '../runtime/class-table.ts'
import { nullMessage } from '../runtime/null-messages.ts'
import type { TraceFrame } from '../runtime/stack-traces.ts'
import type { Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

natives('java/lang/Throwable', {
  fillInStackTrace: (vm: Vm, self: Ref) => {
    vm.traces.fillIn(self, 'constructed')
    return self
  },
})

function sourceFile(cls: JavaClass): string | null {
  const attribute = cls.file && findAttribute(cls.file.attributes, 'SourceFile')
  return cls.file && attribute ? cls.file.pool.utf8(readU2(cls.file.bytes, attribute.start)) : null
}

/** The line of a frame: -2 in native methods, -1 when unknown. */
export function lineOf(frame: TraceFrame): number {
  const { method } = frame
  if (method.isNative) return -2
  const { code } = method
  return code && method.owner.file ? lineAt(method.owner.file, code, frame.offset) : -1
}

function fill(vm: Vm, element: Ref, frame: TraceFrame): void {
  const { heap } = vm
  const { owner, name } = frame.method
  const mirror = vm.mirrors.of(owner)
  heap.set(element, 'declaringClassObject', mirror)
  heap.set(element, 'declaringClass', heap.intern(dotted(owner.name)))
  heap.set(element, 'methodName', heap.intern(name))
  heap.set(element, 'fileName', heap.stringOrNull(sourceFile(owner)))
  heap.set(element, 'lineNumber', lineOf(frame))
  const { loader } = owner
  if (loader.object !== null) {
    const label = loaderName(vm, loader)
    if (label.startsWith("'")) heap.set(element, 'classLoaderName', heap.string(label.slice(1, -1)))
  }
  const module = heap.get(mirror, 'module') as Ref
  const moduleName = module === null ? null : (heap.get(module, 'name') as Ref)
  if (moduleName !== null) {
    heap.set(element, 'moduleName', moduleName)
    const version = vm.options.properties['java.version']
    if (loader.object === null || heap.text(moduleName).startsWith('j')) {
      heap.set(element, 'moduleVersion', heap.stringOrNull(version))
    }
  }
}

natives('java/lang/StackTraceElement', {
  initStackTraceElements: (vm: Vm, elements: Ref, throwable: Ref) => {
    const frames = vm.traces.framesOf(throwable)
    vm.heap.items(elements).forEach((element, i) => {
      const frame = frames[i]
      if (frame) fill(vm, element, frame)
    })
  },
  initStackTraceElement: (vm: Vm, element: Ref, info: Ref) => {
    const member = vm.heap.get(info, 'memberName') as Ref
    const method = vm.classes.methodById(vm.heap.get(member, '$method') as number)
    if (method) fill(vm, element, { method, offset: vm.heap.get(info, 'bci') as number })
  },
})

/** An array of StackTraceElement for frames. */
export function* stackTraceElements(vm: Vm, frames: readonly TraceFrame[]): Work<Ref> {
  const cls = vm.classes.boot('java/lang/StackTraceElement')
  yield* vm.linker.initialize(cls)
  const elements = frames.map(frame => {
    const element = vm.heap.allocate(cls)
    fill(vm, element, frame)
    return element
  })
  return vm.heap.refArray('[Ljava/lang/StackTraceElement;', elements)
}

natives('java/lang/NullPointerException', {
  getExtendedNPEMessage: (vm: Vm, self: Ref) => {
    const [top] = vm.traces.framesOf(self)
    return vm.heap.stringOrNull(top && nullMessage(top.method, top.offset))
  },
})
