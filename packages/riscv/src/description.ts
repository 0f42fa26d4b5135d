/** The harts as a device tree describes them (Devicetree binding "riscv/extensions"). */
export const RISCV_ISA: {
  readonly isa: string
  readonly base: string
  readonly extensions: readonly string[]
  readonly mmuType: string
} = {
  isa: 'rv64imafdc_zicntr_zicond_zicsr_zifencei_zihpm_zba_zbb_zbs_sstc_svade_svadu_svinval_svnapot_svpbmt',
  base: 'rv64i',
  extensions: [
    ...['i', 'm', 'a', 'f', 'd', 'c', 'zicntr', 'zicond', 'zicsr', 'zifencei', 'zihpm', 'zba', 'zbb', 'zbs'],
    ...['sstc', 'svade', 'svadu', 'svinval', 'svnapot', 'svpbmt'],
  ],
  mmuType: 'riscv,sv57',
}
