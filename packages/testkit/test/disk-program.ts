/**
 * Firmware for a machine of two harts, RAM and a disk of eight sectors: hart 0 drives that a disk over virtio-mmio, without interrupts: again and again it reads a sector, adds one to its first word and
 * writes it back, while it has the next sector read too. The other hart counts.
 */
export const DISK_PROGRAM = `
  la s4, counted
  bnez a0, count
  li s1, 0x10001000
  sw zero, 0x70(s1)
  li t0, 3
  sw t0, 0x70(s1)
  li t0, 1
  sw t0, 0x24(s1)
  sw t0, 0x20(s1)
  li t0, 11
  sw t0, 0x70(s1)
  li t0, 8
  sw t0, 0x38(s1)
  li t0, 0x80002000
  sw t0, 0x80(s1)
  li s5, 0x80003000
  sw s5, 0x90(s1)
  li s6, 0x80004000
  sw s6, 0xa0(s1)
  li t0, 1
  sw t0, 0x44(s1)
  li t0, 15
  sw t0, 0x70(s1)
  li s7, 0x80005000
  li s8, 0x80002000
  li s2, 0
  li s3, 0
again: andi t0, s2, 7
  sd t0, 8(s7)
  sw zero, 0(s7)
  li t0, 3
  sh t0, 28(s8)
  addi t0, s2, 1
  andi t0, t0, 7
  sd t0, 24(s7)
  li a1, 0
  jal ra, post
  li a1, 3
  jal ra, post
  jal ra, answered
  ld t0, 0x200(s7)
  addi t0, t0, 1
bump: sd t0, 0x200(s7)
  li t0, 1
  sw t0, 0(s7)
  sh t0, 28(s8)
  li a1, 0
  jal ra, post
  jal ra, answered
  addi s2, s2, 1
  j again
post: andi t1, s3, 7
  slli t1, t1, 1
  add t1, t1, s5
  sh a1, 4(t1)
  addi s3, s3, 1
  sh s3, 2(s5)
  sw zero, 0x50(s1)
  ret
answered: lhu t1, 2(s6)
  bne t1, s3, answered
  li t1, 1
  sw t1, 0x64(s1)
  ret
count: ld t0, 0(s4)
  addi t0, t0, 1
  sd t0, 0(s4)
  j count
.org 0x80001000
counted: .dword 0
.org 0x80002000
  .dword 0x80005000
  .dword 0x0001000100000010
  .dword 0x80005200
  .dword 0x0002000300000200
  .dword 0x80005400
  .dword 0x0000000200000001
  .dword 0x80005010
  .dword 0x0004000100000010
  .dword 0x80005600
  .dword 0x0005000300000200
  .dword 0x80005401
  .dword 0x0000000200000001
`
