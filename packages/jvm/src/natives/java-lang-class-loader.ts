import { JavaProblem } from '../problem.ts'
import type { JavaClass, Ref } from '../runtime/classes.ts'
import { nestHostOf } from '../runtime/nests.ts'
import type { Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

/** Flags of Lookup.defineHiddenClass as ClassLoader.defineClass0 gets them. */
const [NESTMATE, HIDDEN] = [1, 2]

function* defineFrom(vm: Vm, loader: Ref, name: Ref, bytes: Uint8Array, domain: Ref): Work<Ref> {
  const expectedName = name === null ? undefined : vm.heap.text(name).replaceAll('.', '/')
  const cls = yield* vm.classes.define(bytes, vm.classes.loaderOf(loader), {
    expectedName,
    protectionDomain: domain,
    trusted: loader === null,
  })
  return vm.mirrors.of(cls)
}

natives('java/lang/ClassLoader', {
  *defineClass1(vm: Vm, loader: Ref, name: Ref, bytes: Ref, offset: number, length: number, domain: Ref) {
    return yield* defineFrom(vm, loader, name, vm.heap.bytes(bytes, offset, length), domain)
  },
  *defineClass2(vm: Vm, loader: Ref, name: Ref, buffer: Ref, offset: number, length: number, domain: Ref) {
    const address = Number(vm.heap.get(buffer, 'address') as bigint) + offset
    return yield* defineFrom(vm, loader, name, new Uint8Array(vm.memory.buffer, address, length).slice(), domain)
  },
  *defineClass0(
    vm: Vm,
    loader: Ref,
    lookup: Ref,
    name: Ref,
    bytes: Ref,
    offset: number,
    length: number,
    domain: Ref,
    initialize: number,
    flags: number,
    classData: Ref,
  ) {
    const lookupClass = vm.classes.ofMirror(lookup)
    const hidden = (flags & HIDDEN) !== 0
    const cls: JavaClass = yield* vm.classes.define(vm.heap.bytes(bytes, offset, length), vm.classes.loaderOf(loader), {
      expectedName: hidden ? undefined : vm.heap.text(name).replaceAll('.', '/'),
      protectionDomain: domain,
      hidden,
      nestHost: flags & NESTMATE ? nestHostOf(vm, lookupClass) : undefined,
      trusted: loader === null,
    })
    const mirror = vm.mirrors.of(cls)
    vm.heap.set(mirror, 'classData', classData)
    if (initialize) yield* vm.linker.initialize(cls)
    else vm.linker.link(cls)
    return mirror
  },
  findBootstrapClass: (vm: Vm, name: Ref) => {
    const text = vm.heap.text(name)
    if (text.includes('/')) return null
    const cls = vm.classes.findBoot(text.replaceAll('.', '/'))
    return cls ? vm.mirrors.of(cls) : null
  },
  findLoadedClass0: (vm: Vm, self: Ref, name: Ref) => {
    const cls = vm.classes.loaderOf(self).classes.get(vm.heap.text(name).replaceAll('.', '/'))
    return cls ? vm.mirrors.of(cls) : null
  },
  retrieveDirectives: (vm: Vm) => {
    const type = vm.classes.boot('java/lang/AssertionStatusDirectives')
    vm.linker.link(type)
    const object = vm.heap.allocate(type)
    vm.heap.set(object, 'deflt', vm.options.enableAssertions ? 1 : 0)
    const empty = vm.heap.refArray('[Ljava/lang/String;', [])
    vm.heap.set(object, 'classes', empty)
    vm.heap.set(object, 'packages', empty)
    vm.heap.set(object, 'classEnabled', vm.rt.newArray(vm.classes.boot('[Z').id, 0))
    vm.heap.set(object, 'packageEnabled', vm.rt.newArray(vm.classes.boot('[Z').id, 0))
    return object
  },
})

natives('jdk/internal/loader/BootLoader', {
  getSystemPackageNames: (vm: Vm) => {
    const loaded = [...vm.classes.bootLoader.classes.values()].filter(c => !c.isArray && c.packageName !== '')
    const names = new Set(loaded.map(c => c.packageName).filter(name => vm.library.moduleOf(name) !== undefined))
    return vm.heap.refArray(
      '[Ljava/lang/String;',
      [...names].map(name => vm.heap.string(name)),
    )
  },
  getSystemPackageLocation: (vm: Vm, name: Ref) => {
    const module = vm.library.moduleOf(vm.heap.text(name).replaceAll('.', '/'))
    return module === undefined ? null : vm.heap.string(`jrt:/${module}`)
  },
  setBootLoaderUnnamedModule0: (vm: Vm, module: Ref) => {
    vm.state.set('bootUnnamedModule', module)
  },
})

natives('jdk/internal/loader/NativeLibraries', {
  // Every library of the platform is part of this machine; nothing else can be loaded.
  findBuiltinLib: (_vm: Vm, name: Ref) => name,
  load: (vm: Vm, impl: Ref, name: Ref) => {
    const file = vm.heap.text(name)
    if (
      !/^(lib)?(java|net|nio|zip|jimage|verify|prefs|extnet|management|instrument|rmi|jaas|j2pkcs11|jli)(\.so)?$/.test(
        file,
      )
    ) {
      throw new JavaProblem('java/lang/UnsatisfiedLinkError', `${file}: native libraries cannot be loaded`)
    }
    vm.heap.set(impl, 'handle', 1n)
    vm.heap.set(impl, 'jniVersion', 0x10008)
    return 1
  },
  unload: () => undefined,
  findEntry0: () => 0n,
})
