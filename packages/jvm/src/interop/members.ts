import { DoppelError } from '@doppel/base'
import { ACC_FINAL, ACC_PUBLIC } from '../class-file/access.ts'
import { dotted } from '../runtime/class-table.ts'
import { type Field, type JavaClass, lineage, type Method } from '../runtime/classes.ts'
import { externalSignature } from '../runtime/resolve.ts'
import type { Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { cost } from './convert.ts'
import type { JavaValue } from './values.ts'

/** A method that fits a call, and the classes of its parameters, undefined for primitive ones. */
export interface Chosen {
  readonly method: Method
  readonly classes: readonly (JavaClass | undefined)[]
}

/** Public methods of a name, each signature once, the most derived first. */
function candidates(cls: JavaClass, name: string, isStatic: boolean): Method[] {
  const found = new Map<string, Method>()
  const own = name === '<init>' ? [cls] : [...lineage(cls), ...(isStatic ? [] : cls.allInterfaces())]
  for (const owner of own) {
    for (const method of owner.methods) {
      const fits = method.name === name && method.isStatic === isStatic && (method.access & ACC_PUBLIC) !== 0
      if (fits && !found.has(method.info.descriptor)) found.set(method.info.descriptor, method)
    }
  }
  return [...found.values()]
}

/** The method that a call with these arguments means. Throws `java.member` when there is none. */
export function* chooseMethod(
  vm: Vm,
  cls: JavaClass,
  name: string,
  isStatic: boolean,
  args: readonly JavaValue[],
): Work<Chosen> {
  const all = candidates(cls, name, isStatic && name !== '<init>')
  let best: { readonly chosen: Chosen; readonly cost: number } | undefined
  for (const method of all) {
    const { params } = method.descriptor
    if (params.length !== args.length) continue
    const classes: (JavaClass | undefined)[] = []
    for (const param of params) {
      classes.push(param.length === 1 ? undefined : yield* vm.classes.loadDescriptor(param, method.owner.loader))
    }
    const costs = params.map((param, i) => cost(vm, args[i], param, classes[i]))
    if (costs.includes(undefined)) continue
    const total = (costs as number[]).reduce((sum, each) => sum + each, 0)
    if (!best || total < best.cost) best = { chosen: { method, classes }, cost: total }
  }
  if (best) return best.chosen
  const known = all.map(m => externalSignature(cls.name, name, m.info.descriptor)).join('; ')
  const what = `${dotted(cls.name)} has no public ${isStatic && name !== '<init>' ? 'static ' : ''}${name} for these arguments`
  throw new DoppelError(
    'java.member',
    `${what}; ${known === '' ? 'there is none of that name' : `expected ${known}`}`,
    {
      class: dotted(cls.name),
      name,
    },
  )
}

/** A public field. Throws `java.member` when there is none, or one that is final and to be `assigned`. */
export function findField(cls: JavaClass, name: string, isStatic: boolean, assigned: boolean): Field {
  const field = cls.findField(name)
  const fits = field && field.isStatic === isStatic && (field.info.access & ACC_PUBLIC) !== 0
  if (fits && !(assigned && field.info.access & ACC_FINAL)) return field
  const kind = `${isStatic ? 'static ' : ''}field ${name}${assigned ? ' that can be assigned' : ''}`
  throw new DoppelError('java.member', `${dotted(cls.name)} has no public ${kind}`, { class: dotted(cls.name), name })
}
