import { readU2 } from '../class-file/bytes.ts'
import { type Code, lineNumbers } from '../class-file/code.ts'
import { type Attribute, type ClassFile, findAttribute } from '../class-file/parse.ts'
import type { JavaClass, Method } from '../runtime/classes.ts'
import { command, type CommandRow } from './command.ts'
import { signatureOfClass, sourceOf, statusOf, typeTag } from './class-info.ts'
import type { Debugger } from './debugger.ts'
import { JdwpError } from './errors.ts'
import type { PacketReader, PacketWriter } from './packet.ts'

/** The generic signature among attributes (JVMS §4.7.9); empty when there is none. */
export function genericSignature(file: ClassFile, attributes: readonly Attribute[]): string {
  const attribute = findAttribute(attributes, 'Signature')
  return attribute ? file.pool.utf8(readU2(file.bytes, attribute.start)) : ''
}

const fileOf = (cls: JavaClass): ClassFile => cls.file as ClassFile
function fields(on: Debugger, input: PacketReader, out: PacketWriter, isGeneric: boolean): void {
  const cls = on.ids.cls(input.id())
  // Those that the machine has added for itself are nobody’s business.
  const own = cls.fields.filter(field => !field.name.startsWith('$'))
  out.list(own, field => {
    out.id(on.ids.ofField(field)).string(field.name).string(field.descriptor)
    if (isGeneric) out.string(genericSignature(fileOf(cls), field.info.attributes))
    out.i4(field.info.access)
  })
}
function methods(on: Debugger, input: PacketReader, out: PacketWriter, isGeneric: boolean): void {
  const cls = on.ids.cls(input.id())
  out.list(cls.methods, method => {
    out.id(method.id).string(method.name).string(method.info.descriptor)
    if (isGeneric) out.string(genericSignature(fileOf(cls), method.info.attributes))
    out.i4(method.access)
  })
}
function methodOf(on: Debugger, input: PacketReader): Method {
  const cls = on.ids.cls(input.id())
  const method = on.ids.method(input.id())
  if (method.owner !== cls) throw new JdwpError('INVALID_METHODID')
  return method
}

/** One variable of a method, where its value is to be found and in which stretch of the code. */
export interface Variable {
  readonly start: number
  readonly length: number
  readonly name: string
  readonly descriptor: string
  readonly generic: string
  readonly slot: number
}
/** A method’s variables (JVMS §4.7.13, §4.7.14). */
export function variablesOf({ owner, code }: Method): readonly Variable[] {
  const file = fileOf(owner)
  const rows = (kind: string): { start: number; length: number; name: string; text: string; slot: number }[] =>
    (code as Code).attributes
      .filter(a => a.name === kind)
      .flatMap(({ start }) =>
        Array.from({ length: readU2(file.bytes, start) }, (_, i) => {
          const at = (word: number): number => readU2(file.bytes, start + 2 + i * 10 + word * 2)
          return { start: at(0), length: at(1), name: file.pool.utf8(at(2)), text: file.pool.utf8(at(3)), slot: at(4) }
        }),
      )
  const types = rows('LocalVariableTypeTable')
  return rows('LocalVariableTable').map(({ start, length, name, text, slot }) => {
    const typed = types.find(t => t.slot === slot && t.start === start && t.name === name)
    return { start, length, name, descriptor: text, generic: typed?.text ?? '', slot }
  })
}
function variables(on: Debugger, input: PacketReader, out: PacketWriter, isGeneric: boolean): void {
  const method = methodOf(on, input)
  const known = method.code && on.covers(method.owner) ? variablesOf(method) : []
  if (known.length === 0) throw new JdwpError('ABSENT_INFORMATION')
  out.i4(method.descriptor.slots + (method.isStatic ? 0 : 1))
  out.list(known, v => {
    out.i8(BigInt(v.start)).string(v.name).string(v.descriptor)
    if (isGeneric) out.string(v.generic)
    out.i4(v.length).i4(v.slot)
  })
}

/** ReferenceType (2), ClassType (3) and Method (6), as far as they only tell what is there. */
export const typeCommands: readonly CommandRow[] = [
  command(2, 1, 'Signature', (on, input, out) => out.string(signatureOfClass(on.ids.cls(input.id())))),
  command(2, 2, 'ClassLoader', (on, input, out) => out.id(on.ids.ofObject(on.ids.cls(input.id()).loader.object))),
  command(2, 3, 'Modifiers', (on, input, out) => out.i4(on.ids.cls(input.id()).access)),
  command(2, 4, 'Fields', (on, input, out) => fields(on, input, out, false)),
  command(2, 5, 'Methods', (on, input, out) => methods(on, input, out, false)),
  command(2, 6, 'GetValues', (on, input, out) => {
    on.ids.cls(input.id())
    const wanted = Array.from({ length: input.count() }, () => on.ids.field(input.id()))
    out.list(wanted, field => {
      if (!field.isStatic) throw new JdwpError('INVALID_FIELDID')
      on.values.writeTagged(out, field.descriptor[0] as string, on.values.readField(null, field))
    })
  }),
  command(2, 7, 'SourceFile', (on, input, out) => {
    const source = sourceOf(on.ids.cls(input.id()))
    if (source === undefined) throw new JdwpError('ABSENT_INFORMATION')
    out.string(source)
  }),
  command(2, 8, 'NestedTypes', (on, input, out) => {
    const { name } = on.ids.cls(input.id())
    const nested = on.vm.classes.all().filter(cls => cls.name.startsWith(`${name}$`))
    out.list(nested, cls => out.u1(typeTag(cls)).id(on.ids.ofClass(cls)))
  }),
  command(2, 9, 'Status', (on, input, out) => out.i4(statusOf(on.ids.cls(input.id())))),
  command(2, 10, 'Interfaces', (on, input, out) =>
    out.list(on.ids.cls(input.id()).interfaces, cls => out.id(on.ids.ofClass(cls))),
  ),
  command(2, 11, 'ClassObject', (on, input, out) => out.id(on.ids.ofObject(on.vm.mirrors.of(on.ids.cls(input.id()))))),
  command(2, 12, 'SourceDebugExtension', () => {
    throw new JdwpError('ABSENT_INFORMATION')
  }),
  command(2, 13, 'SignatureWithGeneric', (on, input, out) => {
    const cls = on.ids.cls(input.id())
    out.string(signatureOfClass(cls)).string(cls.file ? genericSignature(cls.file, cls.file.attributes) : '')
  }),
  command(2, 14, 'FieldsWithGeneric', (on, input, out) => fields(on, input, out, true)),
  command(2, 15, 'MethodsWithGeneric', (on, input, out) => methods(on, input, out, true)),
  command(2, 17, 'ClassFileVersion', (on, input, out) => {
    const { file } = on.ids.cls(input.id())
    if (!file) throw new JdwpError('ABSENT_INFORMATION')
    out.i4(file.major).i4(0)
  }),
  command(3, 1, 'Superclass', (on, input, out) => {
    const cls = on.ids.cls(input.id())
    out.id(on.ids.ofClass(cls.isInterface ? undefined : cls.superclass))
  }),
  command(3, 2, 'SetValues', (on, input) => {
    on.ids.cls(input.id())
    for (let count = input.count(); count > 0; count--) on.values.setField(input, null, on.ids.field(input.id()))
  }),
  command(6, 1, 'LineTable', (on, input, out) => {
    const method = methodOf(on, input)
    const { code } = method
    if (!code) return out.i8(-1n).i8(-1n).i4(0)
    const lines = lineNumbers(fileOf(method.owner), code)
    if (lines.length === 0) throw new JdwpError('ABSENT_INFORMATION')
    out.i8(0n).i8(BigInt(code.bytes.length - 1))
    return out.list(lines, ([at, line]) => out.i8(BigInt(at)).i4(line))
  }),
  command(6, 2, 'VariableTable', (on, input, out) => variables(on, input, out, false)),
  command(6, 3, 'Bytecodes', (on, input, out) => {
    const { code } = methodOf(on, input)
    out.i4(code?.bytes.length ?? 0).bytes(code?.bytes ?? new Uint8Array(0))
  }),
  command(6, 4, 'IsObsolete', (_on, _input, out) => out.boolean(false)),
  command(6, 5, 'VariableTableWithGeneric', (on, input, out) => variables(on, input, out, true)),
]
