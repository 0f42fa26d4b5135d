import { assemble } from '@doppel/engine'
import { riscvAssembly } from '@doppel/riscv'
import {
  BLOCKS,
  CONTEXT,
  DATA,
  DATA_BYTES,
  DESCRIPTOR,
  DESCRIPTORS,
  END_RECORD,
  END_TAG,
  FINISHED,
  FINISHER,
  LOG,
  RAM,
  TABLES,
  TRAP_RECORD,
  TRAP_TAG,
  WINDOW_PAGES,
  WRITABLE,
} from './layout.ts'

/** pmpcfg bits: L, A = NAPOT or NA4, and permissions. */
const NAPOT = 0x18
const NA4 = 0x10
const LOCKED = 0x80
const RW = 3
const RX = 5
/** pmpaddr of a naturally aligned range. */
const napot = (base: number, bytes: number): bigint => (BigInt(base) >> 2n) | ((BigInt(bytes) >> 3n) - 1n)
/** The finisher, in the end only; nothing else below RAM; code; data; nothing above. */
const FINISHER_CFG = NA4 | RW
const PMPCFG = [0, LOCKED | NAPOT, LOCKED | NAPOT | RX, NAPOT | RW, LOCKED | NAPOT]
const WRITABLE_BYTES = 0x200_0000
const MENVCFG_ADUE = 1n << 61n

/** Context units: x1 to x31 at their numbers, then the runtime's own. */
const LOG_POINTER = 32 * 8
const END_PC = 33 * 8
const NEXT_BLOCK = 34 * 8

const times = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n')

/**
 * The program around the blocks. Every trap is recorded and its instruction skipped; at a block's last instruction, all
 * registers and a digest of memory are recorded, and the next block starts from its descriptor.
 */
export const RUNTIME: string = `
          csrr t0, mhartid
          beqz t0, start
parked:   wfi                  # one hart only
          j parked
start:    li t0, ${CONTEXT}
          csrw mscratch, t0
          li t1, ${LOG}
          sd t1, ${LOG_POINTER}(t0)
          li t1, ${DESCRIPTORS}
          sd t1, ${NEXT_BLOCK}(t0)
          la t1, trap
          csrw mtvec, t1
          la t1, delegated
          csrw stvec, t1
          li t1, ${FINISHER >> 2}
          csrw pmpaddr0, t1
          li t1, ${napot(0, RAM)}
          csrw pmpaddr1, t1
          li t1, ${napot(RAM, WRITABLE - RAM)}
          csrw pmpaddr2, t1
          li t1, ${napot(WRITABLE, WRITABLE_BYTES)}
          csrw pmpaddr3, t1
          li t1, ${(1n << 54n) - 1n}
          csrw pmpaddr4, t1
          li t1, ${PMPCFG.reduceRight((all, entry) => (all << 8n) | BigInt(entry), 0n)}
          csrw pmpcfg0, t1
          li t1, ${MENVCFG_ADUE}
          csrw menvcfg, t1
          csrw mcounteren, zero
          csrw mie, zero
          mv t6, t0
          j next

delegated: ecall               # S-mode took a trap: say so to M-mode

          .align 2
trap:     csrrw t6, mscratch, t6
${times(30, i => `          sd x${i + 1}, ${(i + 1) * 8}(t6)`)}
          csrr ra, mscratch
          sd ra, 248(t6)
          csrw mscratch, t6
          ld sp, ${LOG_POINTER}(t6)
          li gp, ${TRAP_TAG}
          sd gp, 0(sp)
${times(TRAP_RECORD.length - 1, i => `          csrr gp, ${TRAP_RECORD[i + 1]}\n          sd gp, ${(i + 1) * 8}(sp)`)}
          addi sp, sp, ${TRAP_RECORD.length * 8}
          sd sp, ${LOG_POINTER}(t6)
          csrr tp, mepc
          csrr t0, mcause
          la t1, delegated
          bne tp, t1, direct
          csrr tp, sepc
          csrr t0, scause
          li t1, 0x1800        # back to where S-mode's trap came from: SPP becomes MPP
          csrc mstatus, t1
          csrr t1, sstatus
          andi t1, t1, 0x100
          slli t1, t1, 3
          csrs mstatus, t1
direct:   ld t2, ${END_PC}(t6)
          beq tp, t2, end
          beqz t0, bail        # an instruction that cannot be fetched cannot be skipped
          addi t1, t0, -1
          beqz t1, bail
          addi t1, t0, -12
          beqz t1, bail
          slli t1, tp, 32      # the same code at its guest-physical address
          srli t1, t1, 32
          lhu t1, 0(t1)
          andi t1, t1, 3
          addi tp, tp, 2
          addi t1, t1, -3
          bnez t1, resume
          addi tp, tp, 2
          j resume
bail:     mv tp, t2
resume:   csrw mepc, tp
          j restore

end:      li gp, ${END_TAG}
          sd gp, 0(sp)
${times(31, i => `          ld gp, ${(i + 1) * 8}(t6)\n          sd gp, ${(i + 1) * 8}(sp)`)}
          li gp, 0x6000
          csrs mstatus, gp
${times(32, i => `          fsd f${i}, ${(32 + i) * 8}(sp)`)}
          csrr gp, fcsr
          sd gp, ${64 * 8}(sp)
          csrr gp, sscratch
          sd gp, ${65 * 8}(sp)
          li a0, ${DATA}
          li a1, ${DATA + DATA_BYTES}
          li a2, 0x9e3779b97f4a7c15
          li a3, 0
          call digest
          li a0, ${TABLES + 0x2000}
          addi a1, a0, ${WINDOW_PAGES * 8}
          call digest
          sd a3, ${66 * 8}(sp)
          addi sp, sp, ${END_RECORD.length * 8}
          sd sp, ${LOG_POINTER}(t6)

next:     ld s0, ${NEXT_BLOCK}(t6)
          addi s1, s0, ${DESCRIPTOR.units * 8}
          sd s1, ${NEXT_BLOCK}(t6)
          ld t0, ${DESCRIPTOR.start * 8}(s0)
          beqz t0, finish
          csrw mepc, t0
          ld t0, ${DESCRIPTOR.end * 8}(s0)
          sd t0, ${END_PC}(t6)
          li t1, ${TABLES + 0x2000}
${times(WINDOW_PAGES, i => `          ld t0, ${(DESCRIPTOR.ptes + i) * 8}(s0)\n          sd t0, ${i * 8}(t1)`)}
          ld t0, ${DESCRIPTOR.satp * 8}(s0)
          csrw satp, t0
          sfence.vma zero, zero
          ld t0, ${DESCRIPTOR.medeleg * 8}(s0)
          csrw medeleg, t0
          li t0, 0x6000
          csrs mstatus, t0
${times(32, i => `          fld f${i}, ${(DESCRIPTOR.f + i) * 8}(s0)`)}
          ld t0, ${DESCRIPTOR.fcsr * 8}(s0)
          csrw fcsr, t0
          ld t0, ${DESCRIPTOR.mstatus * 8}(s0)
          csrw mstatus, t0
${times(31, i => `          ld ra, ${(DESCRIPTOR.x + i) * 8}(s0)\n          sd ra, ${(i + 1) * 8}(t6)`)}

# QEMU 7.2 keeps what M-mode's TLB holds when mret changes what MPRV means.
restore:  sfence.vma zero, zero
${times(31, i => `          ld x${i + 1}, ${(i + 1) * 8}(t6)`)}
          mret

digest:   ld t0, 0(a0)
          xor a3, a3, t0
          mul a3, a3, a2
          srli t0, a3, 32
          xor a3, a3, t0
          addi a0, a0, 8
          bltu a0, a1, digest
          ret

finish:   li t0, ${FINISHER_CFG}
          csrs pmpcfg0, t0
          li t0, ${FINISHER}
          li t1, ${FINISHED}
          sw t1, 0(t0)
stop:     j stop
          .org ${BLOCKS}
`

/** The runtime's bytes, for the beginning of RAM. */
export function runtimeBytes(): Uint8Array {
  return assemble(riscvAssembly, RUNTIME, { origin: BigInt(RAM) }).bytes
}
