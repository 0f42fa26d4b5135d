# Finds who overwrote a lost ticket: gdb-multiarch -x last-write.gdb race.elf, connected to the failing run.
break lost
continue
set $ticket = ticket
watch owner[$ticket]
echo \nBackwards to the write that stayed:\n
reverse-continue
backtrace 2
echo \nAnd to the one that was lost:\n
reverse-continue
backtrace 2
