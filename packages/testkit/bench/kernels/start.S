# From reset to `run` on hart 0, and to `second` on hart 1 where a kernel has that. With PAGING (the default of the bench) `run` is in S-mode under Sv39, identity-mapped:
# RAM in 4 KiB pages, as a Linux program's memory is, and the devices in one 1 GiB page. Otherwise it is in M-mode with
# physical addresses. RISC-V Priv. §3.1.6 (mstatus), §3.7 (PMP), §4.4 (Sv39).

#define PTE_V 0x001
#define PTE_RWX 0x00e
#define PTE_RW 0x006
#define PTE_AD 0x0c0
#define RAM 0x80000000
#define RAM_MIB 64

    .section .text.start
    .globl _start
_start:
    csrr t0, mhartid
    bnez t0, other
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, _stack_top
    la t0, _bss
    la t1, _bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:
#if PAGING
    # Level 0: one entry for each 4 KiB of RAM.
    la t0, level0
    li t1, RAM >> 2 | PTE_AD | PTE_RWX | PTE_V
    li t2, RAM_MIB << 8
1:  sd t1, 0(t0)
    addi t0, t0, 8
    addi t1, t1, 0x400
    addi t2, t2, -1
    bnez t2, 1b
    # Level 1: one entry for each 2 MiB, pointing at its page of level 0.
    la t0, level1
    la t1, level0
    srli t1, t1, 2
    ori t1, t1, PTE_V
    li t2, RAM_MIB / 2
1:  sd t1, 0(t0)
    addi t0, t0, 8
    addi t1, t1, 0x400
    addi t2, t2, -1
    bnez t2, 1b
    # Level 2: the devices below 1 GiB, and RAM in the third.
    la t0, level2
    li t1, PTE_AD | PTE_RW | PTE_V
    sd t1, 0(t0)
    la t1, level1
    srli t1, t1, 2
    ori t1, t1, PTE_V
    sd t1, 16(t0)
#endif
    la t0, ready
    li t1, 1
    fence rw, w
    sw t1, 0(t0)
    la a0, run
enter:
    la t0, fault
    csrw mtvec, t0
    li t0, 0x2000           # mstatus.FS = initial
    csrs mstatus, t0
#if PAGING
    la t0, level2
    srli t0, t0, 12
    li t1, 8 << 60          # satp.MODE = Sv39
    or t0, t0, t1
    csrw satp, t0
    sfence.vma
    li t0, -1               # all of memory, as one naturally aligned region: R, W, X
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    la t0, fault
    csrw stvec, t0
    li t0, 0x1800           # mstatus.MPP = supervisor
    csrc mstatus, t0
    li t0, 0x0800
    csrs mstatus, t0
    csrw mepc, a0
    mret
#else
    jr a0
#endif

other:
    li t1, 1
    bne t0, t1, park
    la a0, second
    beqz a0, park
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, _stack_top - 0x20000
    la t0, ready
1:  lw t1, 0(t0)
    beqz t1, 1b
    fence r, rw
    j enter
    .weak second

# No trap is expected: the finisher reports one as a failure with code 99.
    .balign 4
fault:
    li t0, 0x100000
    li t1, 99 << 16 | 0x3333
    sw t1, 0(t0)
park:
    wfi
    j park

    .data
ready: .word 0

#if PAGING
    .bss
    .balign 4096
level2: .skip 4096
level1: .skip 4096
level0: .skip RAM_MIB / 2 * 4096
#endif
