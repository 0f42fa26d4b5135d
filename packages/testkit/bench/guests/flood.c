// Moves bytes over TCP as fast as it can, with large buffers, as iperf does.
//   flood send ADDRESS PORT BYTES    connects and sends
//   flood receive ADDRESS PORT       connects and receives to the end
//   flood accept PORT                takes one connection and receives to the end
// Prints how many bytes it moved.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[256 * 1024];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long receive(int from) {
  long total = 0;
  ssize_t n;
  while ((n = recv(from, buffer, sizeof buffer, 0)) > 0) total += n;
  if (n < 0) fail("recv");
  return total;
}

static long flood(int to, long bytes) {
  long left = bytes;
  while (left > 0) {
    ssize_t n = send(to, buffer, left < (long)sizeof buffer ? (size_t)left : sizeof buffer, 0);
    if (n < 0) fail("send");
    left -= n;
  }
  // The other side has it all when it closes, too.
  shutdown(to, SHUT_WR);
  receive(to);
  return bytes;
}

int main(int argc, char **argv) {
  int is_server = argc == 3 && strcmp(argv[1], "accept") == 0;
  if (!is_server && argc < 4) return 2;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[is_server ? 2 : 3]))};
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (is_server) {
    int yes = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(s, (struct sockaddr *)&address, sizeof address) || listen(s, 1)) fail("listen");
    s = accept(s, 0, 0);
    if (s < 0) fail("accept");
  } else {
    inet_pton(AF_INET, argv[2], &address.sin_addr);
    if (connect(s, (struct sockaddr *)&address, sizeof address)) fail("connect");
  }
  printf("%ld\n", argc == 5 ? flood(s, atol(argv[4])) : receive(s));
  return 0;
}
