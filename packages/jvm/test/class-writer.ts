/** Writes small class files by hand, for tests. */
export class ClassWriter {
  readonly #pool: number[][] = [[]]
  readonly #members: { fields: number[][]; methods: number[][] } = { fields: [], methods: [] }
  major = 61
  access = 0x21

  readonly name: string
  readonly superName: string

  constructor(name: string, superName = 'java/lang/Object') {
    this.name = name
    this.superName = superName
  }

  constant(...bytes: number[]): number {
    const key = bytes.join()
    const known = this.#pool.findIndex((entry, i) => i > 0 && entry.join() === key)
    return known > 0 ? known : this.#pool.push(bytes) - 1
  }
  utf8(text: string): number {
    const bytes = [...new TextEncoder().encode(text)]
    return this.constant(1, ...u2(bytes.length), ...bytes)
  }
  classRef(name: string): number {
    return this.constant(7, ...u2(this.utf8(name)))
  }
  field(access: number, name: string, descriptor: string): void {
    this.#members.fields.push([...u2(access), ...u2(this.utf8(name)), ...u2(this.utf8(descriptor)), 0, 0])
  }
  method(access: number, name: string, descriptor: string, code?: readonly number[], stack = 8, locals = 8): void {
    const head = [...u2(access), ...u2(this.utf8(name)), ...u2(this.utf8(descriptor))]
    if (!code) {
      this.#members.methods.push([...head, 0, 0])
      return
    }
    const body = [...u2(stack), ...u2(locals), 0, 0, ...u2(code.length), ...code, 0, 0, 0, 0]
    this.#members.methods.push([...head, 0, 1, ...u2(this.utf8('Code')), 0, 0, ...u2(body.length), ...body])
  }
  bytes(): Uint8Array<ArrayBuffer> {
    const self = this.classRef(this.name)
    const above = this.classRef(this.superName)
    const { fields, methods } = this.#members
    const head = [0xca, 0xfe, 0xba, 0xbe, 0, 0, ...u2(this.major), ...u2(this.#pool.length), ...this.#pool.flat()]
    const counted = (list: number[][]): number[] => [...u2(list.length), ...list.flat()]
    const members = [...u2(this.access), ...u2(self), ...u2(above), 0, 0, ...counted(fields), ...counted(methods), 0, 0]
    return Uint8Array.from([...head, ...members])
  }
}

function u2(value: number): [number, number] {
  return [(value >> 8) & 255, value & 255]
}
