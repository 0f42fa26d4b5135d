export { installed } from './installed.ts'
export { RandomSource, randomFields } from './random.ts'
export { riscvElf } from './riscv-elf.ts'
