  .section .text.start
  .global _start
_start:
  bnez a0, park           # one hart is enough
  la sp, stack_end
  call main
park:
  wfi
  j park

  .bss
  .align 4
  .space 16384
stack_end:
