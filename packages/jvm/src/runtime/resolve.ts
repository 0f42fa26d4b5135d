import { ACC_PRIVATE, ACC_PROTECTED, ACC_PUBLIC } from '../class-file/access.ts'
import type { ClassFile } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import { dotted } from './class-table.ts'
import type { Field, JavaClass, Method } from './classes.ts'
import { namedHost, nestHostOf } from './nests.ts'
import type { Work } from './tasks.ts'
import type { Vm } from './vm.ts'

/** Resolves the constants of a class’s pool (JVMS §5.4.3). What was resolved is remembered. */
export class Resolver {
  readonly #vm: Vm

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** The class at `index`, if that takes no Java. */
  peekClass(from: JavaClass, index: number): JavaClass | undefined {
    const known = from.resolved[index] as JavaClass | undefined
    if (known) return known
    const name = (from.file as ClassFile).pool.className(index)
    if (name === from.name || (from.hidden && name === from.file?.name)) return from
    const cls = this.#vm.classes.peek(name, from.loader)
    if (!cls || !this.#accessible(from, cls)) return undefined
    from.resolved[index] = cls
    return cls
  }
  *resolveClass(from: JavaClass, index: number): Work<JavaClass> {
    const known = this.peekClass(from, index)
    if (known) return known
    const name = (from.file as ClassFile).pool.className(index)
    const cls = yield* this.#vm.linker.loadFor(name, from.loader)
    if (!this.#accessible(from, cls)) {
      throw new JavaProblem(
        'java/lang/IllegalAccessError',
        `${wordsFor(from)} ${dotted(from.name)} cannot access ${wordsFor(cls)} ${dotted(cls.name)} (${this.#places(from, cls)})`,
      )
    }
    from.resolved[index] = cls
    return cls
  }

  peekField(from: JavaClass, index: number, isStatic: boolean): Field | undefined {
    const known = from.resolved[index] as Field | undefined
    if (known) return known.isStatic === isStatic ? known : undefined
    const { owner, name, descriptor } = (from.file as ClassFile).pool.member(index)
    const cls = this.#peekOwner(from, owner)
    const field = cls?.findField(name, descriptor)
    if (!field || field.isStatic !== isStatic || !this.#memberAccessible(from, field)) return undefined
    from.resolved[index] = field
    return field
  }
  *resolveField(from: JavaClass, index: number, isStatic: boolean): Work<Field> {
    const { owner, name, descriptor } = (from.file as ClassFile).pool.member(index)
    const cls = yield* this.#owner(from, owner)
    const field = cls.findField(name, descriptor)
    if (!field) throw new JavaProblem('java/lang/NoSuchFieldError', name)
    if (!this.#memberAccessible(from, field)) yield* this.#loadNests(from, field.owner)
    if (!this.#memberAccessible(from, field)) {
      throw new JavaProblem(
        'java/lang/IllegalAccessError',
        `class ${dotted(from.name)} tried to access ${visibility(field.info.access)}field ${dotted(field.owner.name)}.${name} (${this.#places(from, field.owner)})`,
      )
    }
    if (field.isStatic !== isStatic) {
      throw new JavaProblem(
        'java/lang/IncompatibleClassChangeError',
        `Expected ${isStatic ? 'static' : 'non-static'} field ${dotted(field.owner.name)}.${name}`,
      )
    }
    from.resolved[index] = field
    return field
  }

  peekMethod(from: JavaClass, index: number): Method | undefined {
    const known = from.resolved[index] as Method | undefined
    if (known) return known
    const { owner, name, descriptor, isInterface } = (from.file as ClassFile).pool.member(index)
    const cls = this.#peekOwner(from, owner)
    if (!cls || cls.isInterface !== isInterface) return undefined
    const method = cls.findMethod(name, descriptor)
    if (!method || !this.#memberAccessible(from, method)) return undefined
    from.resolved[index] = method
    return method
  }
  *resolveMethod(from: JavaClass, index: number): Work<Method> {
    const known = this.peekMethod(from, index)
    if (known) return known
    const { owner, name, descriptor, isInterface } = (from.file as ClassFile).pool.member(index)
    const cls = yield* this.#owner(from, owner)
    if (cls.isInterface !== isInterface) {
      throw new JavaProblem(
        'java/lang/IncompatibleClassChangeError',
        isInterface
          ? `Found class ${dotted(cls.name)}, but interface was expected`
          : `Found interface ${dotted(cls.name)}, but class was expected`,
      )
    }
    const method = cls.findMethod(name, descriptor)
    if (!method) {
      throw new JavaProblem('java/lang/NoSuchMethodError', `'${externalSignature(cls.name, name, descriptor)}'`)
    }
    if (!this.#memberAccessible(from, method)) yield* this.#loadNests(from, method.owner)
    if (!this.#memberAccessible(from, method)) {
      throw new JavaProblem(
        'java/lang/IllegalAccessError',
        `class ${dotted(from.name)} tried to access ${visibility(method.access)}method '${externalSignature(method.owner.name, name, descriptor)}' (${this.#places(from, method.owner)})`,
      )
    }
    from.resolved[index] = method
    return method
  }

  #peekOwner(from: JavaClass, name: string): JavaClass | undefined {
    if (name === from.name || (from.hidden && name === from.file?.name)) return from
    const cls = this.#vm.classes.peek(name, from.loader)
    return cls && this.#accessible(from, cls) ? cls : undefined
  }
  *#owner(from: JavaClass, name: string): Work<JavaClass> {
    const known = this.#peekOwner(from, name)
    if (known) return known
    const cls = yield* this.#vm.linker.loadFor(name, from.loader)
    if (!this.#accessible(from, cls)) {
      throw new JavaProblem(
        'java/lang/IllegalAccessError',
        `${wordsFor(from)} ${dotted(from.name)} cannot access ${wordsFor(cls)} ${dotted(cls.name)} (${this.#places(from, cls)})`,
      )
    }
    return cls
  }

  /** Whether private members may be reached takes the hosts of both nests (JVMS §5.4.4). */
  *#loadNests(from: JavaClass, to: JavaClass): Work<void> {
    for (const cls of [from, to]) {
      const name = namedHost(cls)
      if (name !== undefined) yield* this.#vm.linker.loadFor(name, cls.loader)
    }
  }
  /** Class access (JVMS §5.4.4), packages only: module boundaries are kept by the library’s reflection. */
  #accessible(from: JavaClass, to: JavaClass): boolean {
    let target = to
    while (target.element) target = target.element
    if (target.primitive || target.access & ACC_PUBLIC || target === from) return true
    return samePackage(from, target) || generated(from)
  }
  #memberAccessible(from: JavaClass, member: Field | Method): boolean {
    const access = member.info.access
    if (access & ACC_PUBLIC || member.owner === from || from.loader.object === null) return true
    if (access & ACC_PRIVATE && !generated(from))
      return nestHostOf(this.#vm, from) === nestHostOf(this.#vm, member.owner)
    if (samePackage(from, member.owner)) return true
    // Accessors that the library generates may reach everything.
    if (generated(from)) return true
    // Object's clone and finalize may be called on arrays.
    return (access & ACC_PROTECTED) !== 0 && (from.isSubtypeOf(member.owner) || from.isInterface)
  }
  #places(from: JavaClass, to: JavaClass): string {
    const place = (c: JavaClass): string =>
      c.loader.object === null
        ? 'module java.base of loader bootstrap'
        : `unnamed module of loader ${this.#vm.loaderLabel(c.loader)}`
    const [a, b] = [place(from), place(to)]
    return a === b
      ? `${dotted(from.name)} and ${dotted(to.name)} are in ${a}`
      : `${dotted(from.name)} is in ${a}; ${dotted(to.name)} is in ${b}`
  }
}

function generated(cls: JavaClass): boolean {
  for (let c: JavaClass | undefined = cls; c; c = c.superclass) {
    if (c.name === 'jdk/internal/reflect/MagicAccessorImpl') return true
  }
  return false
}

/** Same run-time package (JVMS §5.3). */
export function samePackage(a: JavaClass, b: JavaClass): boolean {
  return a.loader === b.loader && a.packageName === b.packageName
}

function wordsFor(cls: JavaClass): string {
  return cls.isInterface ? 'interface' : 'class'
}
function visibility(access: number): string {
  return access & ACC_PRIVATE ? 'private ' : access & ACC_PROTECTED ? 'protected ' : ''
}

/** A descriptor in Java’s own words. */
export function externalType(descriptor: string): string {
  const base = descriptor.replace(/^\[+/, '')
  const names: Readonly<Record<string, string>> = {
    Z: 'boolean',
    B: 'byte',
    C: 'char',
    S: 'short',
    I: 'int',
    J: 'long',
    F: 'float',
    D: 'double',
    V: 'void',
  }
  const name = base[0] === 'L' ? dotted(base.slice(1, -1)) : (names[base] ?? base)
  return name + '[]'.repeat(descriptor.length - base.length)
}

/** A method as error messages have it: `int pkg.Class.name(long, java.lang.String)`. */
export function externalSignature(owner: string, name: string, descriptor: string): string {
  const params = [...descriptor.slice(1, descriptor.indexOf(')')).matchAll(/\[*(?:L[^;]+;|[A-Z])/g)].map(m =>
    externalType(m[0]),
  )
  return `${externalType(descriptor.slice(descriptor.indexOf(')') + 1))} ${dotted(owner)}.${name}(${params.join(', ')})`
}
