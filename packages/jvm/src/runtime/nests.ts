import { readU2 } from '../class-file/bytes.ts'
import { findAttribute } from '../class-file/parse.ts'
import type { JavaClass } from './classes.ts'
import type { Vm } from './vm.ts'

/** The host of a class’s nest (JVMS §5.4.4): by its NestHost attribute if the host agrees, else the class itself. */
export function nestHostOf(vm: Vm, cls: JavaClass): JavaClass {
  if (cls.nestHost) return cls.nestHost
  let host = cls
  const attribute = cls.file && findAttribute(cls.file.attributes, 'NestHost')
  if (cls.file && attribute) {
    const name = cls.file.pool.className(readU2(cls.file.bytes, attribute.start))
    const candidate = vm.classes.peek(name, cls.loader)
    if (candidate && candidate.packageName === cls.packageName && nestMembers(candidate).includes(cls.name))
      host = candidate
    else if (!candidate) return cls
  }
  cls.nestHost = host
  return host
}

/** The name of the class that another one says is its nest’s host. */
export function namedHost(cls: JavaClass): string | undefined {
  const attribute = cls.file && findAttribute(cls.file.attributes, 'NestHost')
  return cls.file && attribute ? cls.file.pool.className(readU2(cls.file.bytes, attribute.start)) : undefined
}

/** Names of the members that a host lists (JVMS §4.7.29), itself not among them. */
export function nestMembers(host: JavaClass): string[] {
  const attribute = host.file && findAttribute(host.file.attributes, 'NestMembers')
  const file = host.file
  if (!file || !attribute) return []
  return Array.from({ length: readU2(file.bytes, attribute.start) }, (_, i) =>
    file.pool.className(readU2(file.bytes, attribute.start + 2 + i * 2)),
  )
}
