// Sorting: Hoare's quicksort of words with insertion at the ends, heapsort of records, and a merge sort of a linked list.
#include "kernel.h"

#define WORDS 200000
#define RECORDS 60000
#define LINKS 60000

struct record {
  u32 key, serial;
};
struct link {
  struct link *next;
  u64 key;
};

static u64 words[WORDS];
static struct record records[RECORDS];
static struct link links[LINKS];

static void quicksort(u64 *first, u64 *last) {
  while (last - first > 12) {
    u64 pivot = first[(last - first) / 2], *i = first - 1, *j = last + 1;
    for (;;) {
      do i++;
      while (*i < pivot);
      do j--;
      while (*j > pivot);
      if (i >= j) break;
      u64 other = *i;
      *i = *j;
      *j = other;
    }
    if (j - first < last - j) {
      quicksort(first, j);
      first = j + 1;
    } else {
      quicksort(j + 1, last);
      last = j;
    }
  }
  for (u64 *i = first + 1; i <= last; i++) {
    u64 value = *i, *j = i;
    for (; j > first && j[-1] > value; j--) *j = j[-1];
    *j = value;
  }
}

static int before(struct record a, struct record b) { return a.key != b.key ? a.key < b.key : a.serial < b.serial; }

static void sink(struct record *heap, u32 at, u32 count) {
  struct record value = heap[at];
  for (u32 child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && before(heap[child], heap[child + 1])) child++;
    if (!before(value, heap[child])) break;
    heap[at] = heap[child];
  }
  heap[at] = value;
}

static void heapsort(struct record *heap, u32 count) {
  for (u32 i = count / 2; i-- > 0;) sink(heap, i, count);
  for (u32 i = count - 1; i > 0; i--) {
    struct record top = heap[0];
    heap[0] = heap[i];
    heap[i] = top;
    sink(heap, 0, i);
  }
}

static struct link *merge_sort(struct link *list, u32 count) {
  if (count == 1) {
    list->next = 0;
    return list;
  }
  struct link *half = list, *result, **end = &result;
  for (u32 i = 0; i < count / 2; i++) half = half->next;
  half = merge_sort(half, count - count / 2);
  list = merge_sort(list, count / 2);
  while (list && half) {
    struct link **least = half->key < list->key ? &half : &list;
    *end = *least;
    end = &(*least)->next;
    *least = *end;
  }
  *end = list ? list : half;
  return result;
}

u64 kernel(void) {
  u64 random = 0xda3e39cb94b95bdbu, sum = 0;
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < WORDS; i++) words[i] = next_random(&random);
    quicksort(words, words + WORDS - 1);
    for (int i = 0; i < WORDS; i += 97) sum = fold(sum, words[i]);
    for (u32 i = 0; i < RECORDS; i++) records[i] = (struct record){(u32)(next_random(&random) & 0x3fff), i};
    heapsort(records, RECORDS);
    for (int i = 0; i < RECORDS; i += 97) sum = fold(sum, records[i].key ^ (u64)records[i].serial << 20);
    for (u32 i = 0; i < LINKS; i++) links[i] = (struct link){&links[i + 1 < LINKS ? i + 1 : 0], next_random(&random)};
    for (struct link *at = merge_sort(links, LINKS); at; at = at->next) sum = fold(sum, at->key);
  }
  return sum;
}
