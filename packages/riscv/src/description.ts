const LETTERS = 'imafdc'
const EXTENSIONS = 'zicntr zicond zicsr zifencei zihpm zba zbb zbs sstc svade svadu svinval svnapot svpbmt'.split(' ')

/** The harts as a device tree describes them (Devicetree binding "riscv/extensions"). */
export const RISCV_ISA: {
  readonly isa: string
  readonly base: string
  readonly extensions: readonly string[]
  readonly mmuType: string
} = {
  isa: `rv64${[LETTERS, ...EXTENSIONS].join('_')}`,
  base: 'rv64i',
  extensions: [...Array.from(LETTERS), ...EXTENSIONS],
  mmuType: 'riscv,sv57',
}
