#!/bin/sh
# Compiles race.c to race.elf, beside it or where the first argument says. Debian: gcc-riscv64-unknown-elf.
set -eu
here=$(dirname "$0")
riscv64-unknown-elf-gcc -g -O1 -nostdlib -ffreestanding -march=rv64gc -mabi=lp64d -mcmodel=medany \
  -Wl,-Ttext=0x80000000 -Wl,--no-relax -Wl,--no-warn-rwx-segments -o "${1:-$here/race.elf}" "$here/race.c"
