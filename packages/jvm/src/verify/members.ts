import { ACC_PROTECTED } from '../class-file/access.ts'
import { readU2 } from '../class-file/bytes.ts'
import { Tag } from '../class-file/constant-pool.ts'
import { lineage } from '../runtime/classes.ts'
import { samePackage } from '../runtime/resolve.ts'
import type { MethodCheck } from './method-check.ts'
import type { TypeState } from './state.ts'
import { classType, isWide, typeOfDescriptor, UNINITIALIZED_THIS, type VType } from './types.ts'

/** Interface methods may be called statically and specially from this version on. */
const MAJOR_8 = 52
const MAJOR_7 = 51

/** getstatic to putfield. */
export function field(m: MethodCheck, state: TypeState, op: number, index: number): void {
  const { pool } = m.file
  if (pool.tag(index) !== Tag.field) m.fail(`Illegal type at constant pool entry ${index} in class`)
  const { owner, name, descriptor } = pool.member(index)
  const type = typeOfDescriptor(descriptor)
  if (op === 0xb2) return m.push(state, type)
  if (op === 0xb3) return void m.pop(state, type)
  if (op === 0xb5) m.pop(state, type)
  const object = m.popValue(state)
  // A constructor may assign fields of its own class before it calls another one (JVMS §4.10.1.9 putfield).
  const early =
    op === 0xb5 &&
    object === UNINITIALIZED_THIS &&
    owner === m.file.name &&
    m.file.fields.some(f => f.name === name && f.descriptor === descriptor)
  if (!early) {
    m.require(object, classType(owner), 'Bad type on operand stack')
    checkProtected(m, object, owner, name, descriptor, true)
  }
  if (op === 0xb4) m.push(state, type)
}

/** invokevirtual to invokeinterface. */
export function call(m: MethodCheck, state: TypeState, op: number, at: number): void {
  const { pool, major } = m.file
  const index = readU2(m.code, at + 1)
  const tag = pool.tag(index)
  const ofInterface = tag === Tag.interfaceMethod
  const allowed = op === 0xb9 ? ofInterface : tag === Tag.method || (ofInterface && op !== 0xb6 && major >= MAJOR_8)
  if (!allowed) m.fail(`Illegal type at constant pool entry ${index} in class`)
  const { owner, name, descriptor } = pool.member(index)
  if (name === '<clinit>' || (name === '<init>' && op !== 0xb7)) m.fail('Illegal call to internal method')
  const { params, result } = m.descriptorTypes(descriptor)
  if (op === 0xb9) {
    const words = params.reduce((sum, type) => sum + (isWide(type) ? 2 : 1), 1)
    if (m.code[at + 3] !== words) m.fail('Inconsistent args count operand in invokeinterface')
    if (m.code[at + 4] !== 0) m.fail('Fourth operand byte of invokeinterface must be zero')
  }
  for (const type of params.toReversed()) m.pop(state, type)
  if (name === '<init>') return construct(m, state, owner, descriptor)
  if (op !== 0xb8) receiver(m, state, op, owner, name, descriptor)
  if (result !== 'V') m.push(state, result)
}

function receiver(m: MethodCheck, state: TypeState, op: number, owner: string, name: string, descriptor: string): void {
  if (op !== 0xb7) {
    const object = m.pop(state, classType(owner))
    if (op === 0xb6) checkProtected(m, object, owner, name, descriptor, false)
    return
  }
  const above = [...lineage(m.cls)].some(c => c.name === owner || c.file?.name === owner)
  const direct = m.file.interfaces.includes(owner)
  if (!above && !direct) m.fail('Bad invokespecial instruction: current class isn’t assignable to reference class.')
  m.pop(state, m.own)
}

/** invokespecial of a constructor: the object is initialized from here on. */
function construct(m: MethodCheck, state: TypeState, owner: string, descriptor: string): void {
  const object = m.popValue(state)
  if (object === UNINITIALIZED_THIS) {
    if (owner !== m.file.name && owner !== m.file.superName) m.fail('Bad <init> method call')
    state.replace(object, m.own)
    state.thisUninitialized = false
    return
  }
  if (object[0] !== 'u') m.fail('Bad operand type when invoking <init>')
  const made = m.classAt(readU2(m.code, Number(object.slice(1)) + 1))
  if (made !== classType(owner)) m.fail('Call to wrong <init> method')
  checkProtected(m, made, owner, '<init>', descriptor, false)
  state.replace(object, made)
}

/** Protected members of superclasses in other packages are for objects of the current class only (JVMS §4.10.1.8). */
function checkProtected(
  m: MethodCheck,
  object: VType,
  owner: string,
  name: string,
  descriptor: string,
  isField: boolean,
): void {
  const above = [...lineage(m.cls)].slice(1).find(c => c.name === owner)
  if (!above) return
  const member = isField ? above.findField(name, descriptor) : above.findInClasses(name, descriptor)
  if (!member || (member.info.access & ACC_PROTECTED) === 0 || samePackage(member.owner, m.cls)) return
  // Arrays have clone of their own, public.
  if (object[0] === '[' && name === 'clone') return
  if (name === '<init>' && object === classType(owner)) m.fail('Bad access to protected <init> method')
  m.require(object, m.own, 'Bad access to protected data')
}

/** invokedynamic. */
export function dynamicCall(m: MethodCheck, state: TypeState, at: number): void {
  const { pool, major } = m.file
  const index = readU2(m.code, at + 1)
  if (major < MAJOR_7) m.fail('invokedynamic instructions not supported by this class file version')
  if (pool.tag(index) !== Tag.invokeDynamic) m.fail(`Illegal type at constant pool entry ${index} in class`)
  if (m.code[at + 3] !== 0 || m.code[at + 4] !== 0)
    m.fail('Third and fourth operand bytes of invokedynamic must be zero')
  const { name, descriptor } = pool.dynamic(index)
  if (name[0] === '<') m.fail('Illegal call to internal method')
  const { params, result } = m.descriptorTypes(descriptor)
  for (const type of params.toReversed()) m.pop(state, type)
  if (result !== 'V') m.push(state, result)
}
