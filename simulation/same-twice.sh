#!/bin/sh
# A seed means one run: each seed, run twice by the same program, prints the same to the last byte.
program=$1
shift
for seed in "$@"; do
  once=$("$program" --seed "$seed" --trace)
  twice=$("$program" --seed "$seed" --trace)
  [ -n "$once" ] && [ "$once" = "$twice" ] || { echo "seed $seed is not one run"; exit 1; }
done
