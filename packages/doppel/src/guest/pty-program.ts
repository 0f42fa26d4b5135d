import { assemble } from '@doppel/engine'
import { riscvAssembly } from '@doppel/riscv'
import { PROGRAM_ENTRY, riscvProgram } from './elf.ts'

const BUFFER_BYTES = 4096

/**
 * `pty PROGRAM ARGUMENTS`: runs a program on a new pseudoterminal, in a session of its own. Input and output are ours; the
 * first line on standard error is the terminal's path, so that its size can be set. Ends with the program's status, or 128
 * and its signal's number. Linux system calls by number (asm-generic/unistd.h).
 */
const SOURCE = `
    ld s0, 0(sp)              # argc
    addi s1, sp, 8            # argv
    addi t0, s0, 1
    slli t0, t0, 3
    add s2, s1, t0            # envp
    li t0, 2
    blt s0, t0, fail
    li a0, -100               # openat(AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY)
    la a1, ptmx
    li a2, 0x102
    li a3, 0
    li a7, 56
    ecall
    bltz a0, fail
    mv s3, a0                 # the master side
    li a1, 0x40045431         # ioctl(TIOCSPTLCK): unlock
    la a2, word
    li a7, 29
    ecall
    mv a0, s3
    li a1, 0x80045430         # ioctl(TIOCGPTN): its number
    la a2, word
    li a7, 29
    ecall
    bltz a0, fail
    la t0, word
    lw t1, 0(t0)              # in decimal, last digit first, onto the stack
    li t2, 10
    li t3, 0
digit:
    remu t4, t1, t2
    divu t1, t1, t2
    addi t4, t4, 48
    addi sp, sp, -16
    sd t4, 0(sp)
    addi t3, t3, 1
    bnez t1, digit
    la t0, number
copy:
    ld t4, 0(sp)
    addi sp, sp, 16
    sb t4, 0(t0)
    addi t0, t0, 1
    addi t3, t3, -1
    bnez t3, copy
    mv s5, t0                 # the path's end
    li a0, 17                 # clone(SIGCHLD): fork
    li a1, 0
    li a2, 0
    li a3, 0
    li a4, 0
    li a7, 220
    ecall
    bltz a0, fail
    beqz a0, child
    mv s4, a0
    li t0, 10                 # the path and a newline on standard error
    sb t0, 0(s5)
    li a0, 2
    la a1, path
    sub a2, s5, a1
    addi a2, a2, 1
    li a7, 64
    ecall
    la s6, polls
    sw s3, 8(s6)
    li t0, 1                  # POLLIN
    sh t0, 4(s6)
    sh t0, 12(s6)
loop:
    mv a0, s6                 # ppoll(polls, 2)
    li a1, 2
    li a2, 0
    li a3, 0
    li a4, 0
    li a7, 73
    ecall
    lh t0, 14(s6)
    beqz t0, input
    mv a0, s3                 # from the terminal; its end is an error
    la a1, scratch
    li a2, ${BUFFER_BYTES}
    li a7, 63
    ecall
    blez a0, over
    li s7, 1
    call write
input:
    lh t0, 6(s6)
    beqz t0, loop
    li a0, 0
    la a1, scratch
    li a2, ${BUFFER_BYTES}
    li a7, 63
    ecall
    blez a0, deaf
    mv s7, s3
    call write
    j loop
deaf:
    li t0, -1                 # no more input: poll passes over it
    sw t0, 0(s6)
    j loop
write:                        # a0 bytes of scratch to s7
    mv s8, a0
    la s9, scratch
more:
    mv a0, s7
    mv a1, s9
    mv a2, s8
    li a7, 64
    ecall
    blez a0, written
    add s9, s9, a0
    sub s8, s8, a0
    bgtz s8, more
written:
    ret
over:
    mv a0, s4                 # wait4(child)
    la a1, word
    li a2, 0
    li a3, 0
    li a7, 260
    ecall
    la t0, word
    lw t1, 0(t0)
    andi a0, t1, 127
    bnez a0, signalled
    srli a0, t1, 8
    andi a0, a0, 255
    j exit
signalled:
    addi a0, a0, 128
    j exit
child:
    li a7, 157                # setsid
    ecall
    li s5, 2                  # SIGINT and SIGQUIT, which a shell's background commands ignore
signals:
    mv a0, s5                 # rt_sigaction(SIG_DFL)
    la a1, scratch
    li a2, 0
    li a3, 8
    li a7, 134
    ecall
    addi s5, s5, 1
    li t0, 4
    blt s5, t0, signals
    li a0, -100               # openat(AT_FDCWD, path, O_RDWR)
    la a1, path
    li a2, 2
    li a3, 0
    li a7, 56
    ecall
    bltz a0, fail
    mv s4, a0
    li a1, 0x540e             # ioctl(TIOCSCTTY): ours
    li a2, 0
    li a7, 29
    ecall
    li s5, 0
dup:
    mv a0, s4                 # dup3 to 0, 1 and 2
    mv a1, s5
    li a2, 0
    li a7, 24
    ecall
    addi s5, s5, 1
    li t0, 3
    blt s5, t0, dup
    mv a0, s4
    li a7, 57
    ecall
    mv a0, s3
    li a7, 57
    ecall
    ld a0, 8(s1)              # execve
    addi a1, s1, 8
    mv a2, s2
    li a7, 221
    ecall
fail:
    li a0, 127
exit:
    li a7, 94                 # exit_group
    ecall
    .align 3
polls: .dword 0, 0
word: .dword 0
ptmx: .byte 47, 100, 101, 118, 47, 112, 116, 109, 120, 0
path: .byte 47, 100, 101, 118, 47, 112, 116, 115, 47
number: .zero 16
    .align 3
scratch:
`

/** The program, ready to be run in a RISC-V Linux guest. */
export function ptyProgram(): Uint8Array {
  const { bytes } = assemble(riscvAssembly, SOURCE, { origin: PROGRAM_ENTRY })
  return riscvProgram(bytes, BUFFER_BYTES)
}
