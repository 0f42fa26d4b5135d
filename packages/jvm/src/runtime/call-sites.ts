import { ACC_ABSTRACT, ACC_INTERFACE } from '../class-file/access.ts'
import { Recording } from '../archive/recording.ts'
import type { KeptPolymorphic, KeptSite } from '../archive/segment.ts'
import { readU2 } from '../class-file/bytes.ts'
import type { ClassFile } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import { translate } from '../translate/method.ts'
import type { Site } from '../translate/sites.ts'
import type { Signature } from '../translate/types.ts'
import { dotted } from './class-table.ts'
import { polymorphicThunk } from './handle-calls.ts'
import { linkDynamic, linkHandleCall, resolveConstant } from './dynamic.ts'
import type { JavaClass } from './classes.ts'
import { polymorphicKind } from './polymorphic.ts'
import type { Work } from './tasks.ts'
import { externalSignature } from './resolve.ts'
import type { Vm } from './vm.ts'

/** Instructions that are linked when they are first executed. */
export class CallSites {
  readonly #vm: Vm
  readonly #byKey = new Map<string, number>()
  readonly #sites = new Map<number, Site & { readonly key: string; readonly unique: string }>()
  readonly #polymorphic = new Map<string, number>()
  readonly #polymorphicAt = new Map<number, { readonly name: string; readonly signature: Signature }>()

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** The code table’s place for an instruction of a class; `isNew` when its linking stub is still to be made. */
  place(
    cls: JavaClass,
    instruction: Uint8Array,
    signature: Signature,
    unique: string,
  ): { readonly place: number; readonly isNew: boolean } {
    const key = `${cls.id}:${instruction.join()}${unique}`
    const known = this.#byKey.get(key)
    if (known !== undefined) return { place: known, isNew: false }
    const place = this.#vm.codeTable.allocate(1)
    this.#byKey.set(key, place)
    this.#sites.set(place, { cls, instruction, signature, place, key, unique })
    return { place, isNew: true }
  }
  has(place: number): boolean {
    return this.#sites.has(place)
  }
  hasPolymorphic(place: number): boolean {
    return this.#polymorphicAt.has(place)
  }
  /** A site at a place that code from an archive calls; it may be that another place is for the same instruction. */
  adopt(place: number, cls: JavaClass, instruction: Uint8Array, signature: Signature, unique: string): void {
    const key = `${cls.id}:${instruction.join()}${unique}`
    if (!this.#byKey.has(key)) this.#byKey.set(key, place)
    this.#sites.set(place, { cls, instruction, signature, place, key, unique })
  }
  /** The same for a signature-polymorphic method. */
  adoptPolymorphic(place: number, name: string, signature: Signature): void {
    if (!this.#polymorphic.has(name + signature)) this.#polymorphic.set(name + signature, place)
    this.#polymorphicAt.set(place, { name, signature })
  }
  /** What stands at a place, for an archive. */
  describe(place: number): Omit<KeptSite, 'place' | 'part'> | Omit<KeptPolymorphic, 'place' | 'part'> | undefined {
    const site = this.#sites.get(place)
    if (!site) return this.#polymorphicAt.get(place)
    const { cls, instruction, signature, unique } = site
    return { classId: cls.id, instruction: [...instruction], signature, unique }
  }
  /** Takes back places whose stubs were never made. */
  forget(places: readonly number[]): void {
    for (const place of places) {
      const site = this.#sites.get(place)
      if (site) this.#byKey.delete(site.key)
      const shared = this.#polymorphicAt.get(place)
      if (shared) this.#polymorphic.delete(shared.name + shared.signature)
    }
  }
  /** The place of MethodHandle’s invokeBasic or a linker for one erased signature. */
  polymorphic(name: string, signature: Signature): { readonly place: number; readonly isNew: boolean } {
    const known = this.#polymorphic.get(name + signature)
    if (known !== undefined) return { place: known, isNew: false }
    const place = this.#vm.codeTable.allocate(1)
    this.#polymorphic.set(name + signature, place)
    this.#polymorphicAt.set(place, { name, signature })
    return { place, isNew: true }
  }

  /** Links what stands at a place. */
  *link(place: number): Work<void> {
    const shared = this.#polymorphicAt.get(place)
    if (shared) return polymorphicThunk(this.#vm, shared.name, shared.signature, place)
    const site = this.#sites.get(place) as Site
    const op = site.instruction[0] as number
    if (op === 0xba) return yield* linkDynamic(this.#vm, site)
    const index = op === 0x12 ? (site.instruction[1] as number) : readU2(site.instruction, 1)
    const handled = yield* this.#resolve(site, op, index)
    if (!handled) this.#install(site)
  }

  /** Resolves the site’s constant; true when its code has been put in place as well. */
  *#resolve(site: Site, op: number, index: number): Work<boolean> {
    const { resolver, linker } = this.#vm
    const { cls } = site
    switch (op) {
      case 0x12:
      case 0x13:
      case 0x14:
        yield* resolveConstant(this.#vm, cls, index)
        return false
      case 0xb2:
      case 0xb3:
        yield* linker.initialize((yield* resolver.resolveField(cls, index, true)).owner)
        return false
      case 0xb4:
      case 0xb5:
        yield* resolver.resolveField(cls, index, false)
        return false
      case 0xb6:
      case 0xb7:
      case 0xb8:
      case 0xb9:
        return yield* this.#resolveCall(site, op, index)
      case 0xbb: {
        const made = yield* resolver.resolveClass(cls, index)
        if (made.access & (ACC_ABSTRACT | ACC_INTERFACE)) {
          throw new JavaProblem('java/lang/InstantiationError', dotted(made.name))
        }
        yield* linker.initialize(made)
        return false
      }
      default:
        yield* resolver.resolveClass(cls, index)
        return false
    }
  }
  *#resolveCall(site: Site, op: number, index: number): Work<boolean> {
    const { owner, name, descriptor } = (site.cls.file as ClassFile).pool.member(index)
    if (polymorphicKind(owner, name) === 'linked') {
      yield* linkHandleCall(this.#vm, site, owner, name, descriptor)
      return true
    }
    const method = yield* this.#vm.resolver.resolveMethod(site.cls, index)
    if (method.isStatic !== (op === 0xb8)) {
      throw new JavaProblem(
        'java/lang/IncompatibleClassChangeError',
        `Expected ${op === 0xb8 ? '' : 'non-'}static method '${externalSignature(method.owner.name, name, descriptor)}'`,
      )
    }
    if (op === 0xb8) yield* this.#vm.linker.initialize(method.owner)
    return false
  }

  /** Translates code that is this one instruction, its operands as parameters. */
  #install(site: Site): void {
    const { archive } = this.#vm
    if (archive.install(site.place, site.cls, undefined)) return
    const code: number[] = []
    const [params = '', result = 'V'] = site.signature.split(')')
    let slot = 0
    for (const kind of params) {
      code.push(0x15 + 'IJFDL'.indexOf(kind), slot)
      slot += kind === 'J' || kind === 'D' ? 2 : 1
    }
    code.push(...site.instruction, result === 'V' ? 0xb1 : 0xac + 'IJFDL'.indexOf(result))
    const recording = archive.wants(site.cls) ? new Recording() : undefined
    const translated = translate(
      this.#vm,
      {
        cls: site.cls,
        method: undefined,
        code: Uint8Array.from(code),
        maxLocals: slot,
        handlers: [],
        signature: site.signature,
        name: `s${site.place}`,
        hasReceiver: false,
      },
      site.place,
      { recording },
    )
    this.#vm.instantiate(translated.module)
    if (recording) archive.keep(site.place, recording, translated)
  }
}
