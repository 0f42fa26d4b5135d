import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.concurrent.locks.*;
import java.util.stream.IntStream;

/** Threads, monitors, java.util.concurrent. */
public class Concurrent {
    static void pools() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Integer>> futures = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            int k = i;
            futures.add(pool.submit(() -> k * k));
        }
        int sum = 0;
        for (Future<Integer> f : futures) sum += f.get();
        Future<?> failing = pool.submit(() -> {
            throw new IllegalStateException("task");
        });
        try {
            failing.get();
        } catch (ExecutionException e) {
            System.out.println(e.getCause());
        }
        pool.shutdown();
        System.out.println(sum + " " + pool.awaitTermination(5, TimeUnit.SECONDS));
        System.out.println(CompletableFuture.supplyAsync(() -> 5).thenApply(x -> x * 2).thenCombine(CompletableFuture.supplyAsync(() -> 3), Integer::sum).get());
        System.out.println(ForkJoinPool.commonPool().invoke(new RecursiveTask<Integer>() {
            @Override
            protected Integer compute() {
                return IntStream.range(0, 1000).parallel().filter(x -> x % 3 == 0).sum();
            }
        }));
        ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
        System.out.println(timer.schedule(() -> "later", 20, TimeUnit.MILLISECONDS).get());
        timer.shutdownNow();
    }

    static void sharing() throws Exception {
        AtomicInteger atomic = new AtomicInteger();
        LongAdder adder = new LongAdder();
        Object lock = new Object();
        int[] count = {0};
        Thread[] threads = new Thread[5];
        for (int i = 0; i < 5; i++) {
            threads[i] = new Thread(() -> {
                for (int j = 0; j < 1000; j++) {
                    atomic.incrementAndGet();
                    adder.increment();
                    synchronized (lock) {
                        count[0]++;
                        if (j % 100 == 0) Thread.yield();
                    }
                }
            });
            threads[i].start();
        }
        for (Thread t : threads) t.join();
        System.out.println(atomic + " " + adder + " " + count[0]);
        Map<String, Integer> map = new ConcurrentHashMap<>();
        for (int i = 0; i < 100; i++) map.merge("k" + i % 7, 1, Integer::sum);
        System.out.println(new TreeMap<>(map));
        ThreadLocal<Integer> local = ThreadLocal.withInitial(() -> 4);
        local.set(5);
        Thread other = new Thread(() -> System.out.println(local.get()));
        other.start();
        other.join();
        System.out.println(local.get());
    }

    static boolean ready;

    static void waiting() throws Exception {
        Object monitor = new Object();
        Thread waiter = new Thread(() -> {
            synchronized (monitor) {
                while (!ready) {
                    try {
                        monitor.wait();
                    } catch (InterruptedException e) {
                        return;
                    }
                }
                System.out.println("notified");
            }
        });
        waiter.start();
        Thread.sleep(20);
        System.out.println(waiter.getState());
        synchronized (monitor) {
            ready = true;
            monitor.notifyAll();
            monitor.wait(5);
        }
        waiter.join();
        BlockingQueue<Integer> queue = new ArrayBlockingQueue<>(2);
        new Thread(() -> {
            for (int i = 0; i < 5; i++) {
                try {
                    queue.put(i);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }).start();
        int sum = 0;
        for (int i = 0; i < 5; i++) sum += queue.take();
        System.out.println(sum + " " + queue.poll(5, TimeUnit.MILLISECONDS));
        ReentrantLock lock = new ReentrantLock();
        Condition condition = lock.newCondition();
        lock.lock();
        System.out.println(condition.await(5, TimeUnit.MILLISECONDS) + " " + lock.getHoldCount());
        lock.unlock();
        try {
            monitor.notify();
        } catch (IllegalMonitorStateException e) {
            System.out.println(e.getMessage());
        }
        CountDownLatch latch = new CountDownLatch(3);
        for (int i = 0; i < 3; i++) new Thread(latch::countDown).start();
        latch.await();
        CyclicBarrier barrier = new CyclicBarrier(2, () -> System.out.println("together"));
        Thread partner = new Thread(() -> {
            try {
                barrier.await();
            } catch (InterruptedException | BrokenBarrierException e) {
                System.out.println(e);
            }
        });
        partner.start();
        barrier.await();
        partner.join();
    }

    static void interrupting() throws Exception {
        Thread sleeper = new Thread(() -> {
            try {
                Thread.sleep(100000);
            } catch (InterruptedException e) {
                System.out.println(e.getMessage() + " " + Thread.currentThread().isInterrupted());
            }
        });
        sleeper.start();
        sleeper.interrupt();
        sleeper.join();
        Thread spinner = new Thread(() -> {
            long n = 0;
            while (!Thread.currentThread().isInterrupted()) n++;
            System.out.println(n >= 0);
        });
        spinner.start();
        Thread.sleep(5);
        spinner.interrupt();
        spinner.join();
        Thread failing = new Thread(() -> {
            throw new RuntimeException("in thread");
        }, "failing");
        failing.setUncaughtExceptionHandler((t, e) -> System.out.println(t.getName() + ": " + e.getMessage()));
        failing.start();
        failing.join();
        System.out.println(failing.isAlive() + " " + failing.getState());
    }

    public static void main(String[] args) throws Exception {
        pools();
        sharing();
        waiting();
        interrupting();
        Thread late = new Thread(() -> System.out.println("main is over"));
        late.start();
        Thread daemon = new Thread(() -> {
            while (true) LockSupport.park();
        });
        daemon.setDaemon(true);
        daemon.start();
    }
}
