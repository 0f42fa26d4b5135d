/* A ledger with a fault: in one round of a thousand, a ninth account of eight is paid, which is the limit behind them. */
volatile unsigned long tohost __attribute__((section(".data")));
volatile unsigned long fromhost __attribute__((section(".data")));
struct {
  int balances[8];
  int limit;
} ledger = {.limit = 100};

void credit(int account, int amount) {
  ledger.balances[account] += amount;
}

void pay_all(int round) {
  for (int account = 0; account < 8 + (round == 300); account++)
    credit(account, 1);
}

void fail(void) {
  tohost = 3;
  for (;;)
    ;
}

int main(void) {
  for (int round = 0; round < 1000; round++)
    pay_all(round);
  if (ledger.limit != 100)
    fail();
  return 0;
}

unsigned char stack[4096] __attribute__((aligned(16)));
__attribute__((naked)) void _start(void) {
  __asm__("la sp, stack + 4096\n call main\n j fail");
}
