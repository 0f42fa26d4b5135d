export { riscvAssembly } from './assembly.ts'
export { type CpuOptions, createRiscvCpu, RiscvCpu } from './cpu.ts'
export { Hart } from './hart.ts'
export { rv64gc } from './insn/rv64gc.ts'
