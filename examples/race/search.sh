#!/bin/sh
# Runs a two-hart program under one seed after the other until it fails, and prints that seed.
# usage: search.sh PROGRAM.elf [FIRST [LAST]]; DOPPEL says how to run doppel (default npx doppel).
set -u
program=$1
for seed in $(seq "${2:-1}" "${3:-1000}"); do
  if ! ${DOPPEL:-npx doppel} run --deterministic --seed "$seed" --cpus 2 --timeout 60s "$program" 2>/dev/null; then
    echo "$seed"
    exit 0
  fi
done
echo 'no seed made it fail' >&2
exit 1
