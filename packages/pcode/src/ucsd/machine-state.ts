import {
  GAP_BYTES,
  GAP_OPCODE,
  MEMORY_BYTES,
  MEMORY_PAGES,
  Register,
  STACK_HIGH,
  STACK_LOW,
  STACK_ROOM_BYTES,
} from './layout.ts'

/** Memory and registers as the host sees them while generated code does not run. */
export class MachineState {
  readonly memory: WebAssembly.Memory
  readonly bigEndian: boolean
  readonly #view: DataView
  readonly #sex: number

  constructor(bigEndian: boolean) {
    this.memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES })
    this.#view = new DataView(this.memory.buffer)
    this.bigEndian = bigEndian
    this.#sex = bigEndian ? 1 : 0
    new Uint8Array(this.memory.buffer).fill(GAP_OPCODE, MEMORY_BYTES, MEMORY_BYTES + GAP_BYTES)
    this.setRegister(Register.sp, STACK_HIGH)
  }

  register(address: number): number {
    return this.#view.getInt32(address, true)
  }
  setRegister(address: number, value: number): void {
    this.#view.setInt32(address, value, true)
  }
  word(address: number): number {
    return this.#view.getUint16(address & 0xfffe, true)
  }
  setWord(address: number, value: number): void {
    this.#view.setUint16(address & 0xfffe, value, true)
  }
  byte(address: number): number {
    return this.#view.getUint8((address & 0xffff) ^ this.#sex)
  }
  setByte(address: number, value: number): void {
    this.#view.setUint8((address & 0xffff) ^ this.#sex, value)
  }

  /** Words on the evaluation stack. */
  get depth(): number {
    return (STACK_HIGH - this.register(Register.sp)) >> 1
  }
  #take(bytes: number): number {
    const sp = this.register(Register.sp)
    this.setRegister(Register.sp, sp + bytes)
    return inStack(sp)
  }
  pop(): number {
    return this.#view.getUint16(this.#take(2), true)
  }
  popSigned(): number {
    return this.#view.getInt16(this.#take(2), true)
  }
  popReal(): number {
    return this.#view.getFloat32(this.#take(4), true)
  }
  push(word: number): void {
    this.#view.setUint16(inStack(this.#take(-2) - 2), word, true)
  }
  pushReal(value: number): void {
    this.#view.setFloat32(inStack(this.#take(-4) - 4), value, true)
  }

  get mp(): number {
    return this.register(Register.mp)
  }
  get seg(): number {
    return this.register(Register.seg)
  }
  get jtab(): number {
    return this.register(Register.jtab)
  }
  get syscom(): number {
    return this.register(Register.syscom)
  }
  get np(): number {
    return this.register(Register.np)
  }
  set np(address: number) {
    this.setRegister(Register.np, address)
  }
  get kp(): number {
    return this.register(Register.kp)
  }
  set kp(address: number) {
    this.setRegister(Register.kp, address)
  }
  setIpc(address: number): void {
    this.setRegister(Register.ipc, address & 0xffff)
  }
}

/** Keeps what the host moves within the evaluation stack and the room around it. */
function inStack(address: number): number {
  return Math.min(Math.max(address, STACK_LOW - STACK_ROOM_BYTES), STACK_HIGH + STACK_ROOM_BYTES)
}
