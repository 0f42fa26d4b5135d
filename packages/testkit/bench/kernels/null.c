// Does nothing: its run is what starting and ending a machine costs, and is subtracted from the others'.
#include "kernel.h"

u64 kernel(void) { return 0x600d; }
