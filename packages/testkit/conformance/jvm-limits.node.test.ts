import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

// Programs that ask for too much, or are to end: the host lives on, and the guest sees what Java promises.
const PROGRAMS: Readonly<Record<string, string>> = {
  Memory: `import java.util.*;
    public class Memory { public static void main(String[] args) {
      List<Object> all = new ArrayList<>();
      try { for (;;) all.add(new byte[5_000_000]); } catch (OutOfMemoryError e) { all = null; System.out.println("large " + e.getMessage()); }
      List<Object> small = new ArrayList<>();
      try { for (;;) small.add(new long[20]); } catch (OutOfMemoryError e) { small = null; System.out.println("small " + e.getMessage()); }
    } }`,
  Threads: `import java.util.*;
    import java.util.concurrent.*;
    import java.util.concurrent.atomic.*;
    public class Threads { public static void main(String[] args) throws Exception {
      AtomicInteger ran = new AtomicInteger();
      List<Thread> all = new ArrayList<>();
      CountDownLatch never = new CountDownLatch(1);
      for (int i = 0; i < 20_000; i++) {
        Thread t = new Thread(() -> {
          try { never.await(1, TimeUnit.MILLISECONDS); } catch (InterruptedException e) { return; }
          ran.incrementAndGet();
        });
        all.add(t);
        t.start();
      }
      for (Thread t : all) t.join();
      System.out.println(ran.get());
    } }`,
  Soft: `import java.lang.ref.*; import java.util.*;
    public class Soft { public static void main(String[] args) throws Exception {
      List<SoftReference<byte[]>> all = new ArrayList<>();
      ReferenceQueue<byte[]> queue = new ReferenceQueue<>();
      byte[] strong = new byte[1 << 20];
      SoftReference<byte[]> kept = new SoftReference<>(strong);
      for (int i = 0; i < 200; i++) all.add(new SoftReference<>(new byte[1 << 20], queue));
      long live = all.stream().filter(r -> r.get() != null).count();
      System.out.println((live < 200) + " " + (kept.get() == strong) + " " + (queue.remove(10_000) != null));
    } }`,
  Recursion: `public class Recursion {
    static int depth;
    static void down() { depth++; down(); }
    static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
    public static void main(String[] args) {
      for (int i = 0; i < 3; i++) { depth = 0; try { down(); } catch (StackOverflowError e) { System.out.println(depth > 1000); } }
      System.out.println(fib(80));
    } }`,
  Process: `public class Process { public static void main(String[] args) throws Exception {
      try { new ProcessBuilder("true").start(); } catch (java.io.IOException e) { System.out.println(e.getMessage()); }
      Thread other = new Thread(() -> System.exit(7));
      other.start();
      for (;;) {}
    } }`,
  Guard: `public class Guard {
      static int guarded(Object o) { synchronized (o) { return o.hashCode(); } }
      public static void main(String[] args) { System.out.println(guarded(null)); }
    }`,
  Hook: `public class Hook { public static void main(String[] args) throws Exception {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
      System.out.println("ready");
      for (;;) {}
    } }`,
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-limits-'))
  const sources = Object.entries(PROGRAMS).map(([name, text]) => {
    const path = join(folder, `${name}.java`)
    writeFileSync(path, text)
    return path
  })
  const compiled = spawnSync('javac', ['-d', folder, ...sources], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a program that runs out of memory gets an error, and goes on once it has let go', async () => {
  const ours = await doppel(['java', '-Xmx64m', '-cp', folder, 'Memory'])
  expect([ours.stdout.toString(), ours.status]).toEqual(['large Java heap space\nsmall Java heap space\n', 0])
})
test('soft references let go before memory runs out, but not of what is held elsewhere', async () => {
  const ours = await doppel(['java', '-Xmx64m', '-cp', folder, 'Soft'])
  expect([ours.stdout.toString(), ours.status]).toEqual(['true true true\n', 0])
})
test('20,000 threads run, some of them later', async () => {
  const ours = await doppel(['java', '-cp', folder, 'Threads'])
  expect([ours.stdout.toString(), ours.status]).toEqual(['20000\n', 0])
})
test('recursion without end overflows, recursion that only takes long ends at the time limit', async () => {
  const ours = await doppel(['java', '--timeout', '12', '-cp', folder, 'Recursion'])
  expect([ours.stdout.toString(), ours.status]).toEqual(['true\ntrue\ntrue\n', 124])
})
test('a loop that only its exception handlers make ends at the time limit', async () => {
  const path = join(folder, 'Guard.class')
  const bytes = readFileSync(path)
  // The first handler of the synchronized block is made to cover monitorenter too: the one that unlocks, which covers
  // itself, is then entered without a lock, fails, and is entered again.
  const entry = [...bytes.keys()].find(at => {
    const [start = 0, end = 0, target = 0, type, from, , again] = Array.from({ length: 8 }, (_, i) =>
      at + 16 <= bytes.length ? bytes.readUInt16BE(at + 2 * i) : -1,
    )
    return (
      start > 0 && end > start && target >= end && target < end + 8 && type === 0 && from === target && again === target
    )
  })
  if (entry === undefined) throw new Error('no such exception table')
  bytes.writeUInt16BE(bytes.readUInt16BE(entry) - 1, entry)
  writeFileSync(path, bytes)
  const ours = await doppel(['java', '--timeout', '3', '-cp', folder, 'Guard'])
  expect([ours.stdout.toString(), ours.status]).toEqual(['', 124])
})
test('there are no processes, and exit ends threads that never stop', async () => {
  const ours = await doppel(['java', '-cp', folder, 'Process'])
  expect(ours.stdout.toString()).toBe('Cannot run program "true": a Java machine has no other programs to start\n')
  expect(ours.status).toBe(7)
})
test('a signal runs the shutdown hooks; SIGQUIT shows the threads', async () => {
  let stage = 0
  const ours = await doppel(['java', '-cp', folder, 'Hook'], {
    onStdout: (text, kill) => {
      if (stage === 0 && text.includes('ready')) kill((stage++, 'SIGQUIT'))
      else if (stage === 1 && text.includes('"main" #1')) kill((stage++, 'SIGTERM'))
    },
  })
  expect(ours.stdout.toString()).toMatch(
    /^ready\nFull thread dump [\s\S]*"main" #1\n {3}java\.lang\.Thread\.State: RUNNABLE\n[\s\S]*\nhook\n$/,
  )
  expect(ours.status).toBe(143)
})
test('one source file is a program', async () => {
  const single = join(folder, 'One.java')
  writeFileSync(
    single,
    'record Pair(int a, int b) {} class One { public static void main(String[] a) { System.out.println(new Pair(a.length, 2)); } }',
  )
  const expected = spawnSync('java', [single, 'x'], { encoding: 'utf8' })
  const ours = await doppel(['java', single, 'x'])
  expect([ours.stdout.toString(), ours.status]).toEqual([expected.stdout, expected.status])
})
