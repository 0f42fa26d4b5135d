import java.lang.ref.Cleaner;
import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.SoftReference;
import java.lang.ref.WeakReference;
import java.util.WeakHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** References that clear, queues they come to, cleaners, and processes that there are none of. */
public class References {
  static final CountDownLatch CLEANED = new CountDownLatch(1);

  static WeakReference<Object> weak() {
    return new WeakReference<>(new Object());
  }

  static PhantomReference<Object> phantom(ReferenceQueue<Object> queue) {
    return new PhantomReference<>(new int[100], queue);
  }

  static void fill(WeakHashMap<Object, String> map) {
    map.put(new Object(), "gone");
  }

  static void register(Cleaner cleaner) {
    cleaner.register(new Object(), CLEANED::countDown);
  }

  static boolean more(WeakReference<Object> reference, WeakHashMap<Object, String> map) {
    return reference.get() != null || map.size() > 1;
  }

  public static void main(String[] args) throws Exception {
    Object strong = new Object();
    WeakReference<Object> kept = new WeakReference<>(strong);
    WeakReference<Object> lost = weak();
    SoftReference<Object> soft = new SoftReference<>(new Object());
    ReferenceQueue<Object> queue = new ReferenceQueue<>();
    PhantomReference<Object> phantom = phantom(queue);
    Cleaner cleaner = Cleaner.create();
    register(cleaner);
    WeakHashMap<Object, String> map = new WeakHashMap<>();
    fill(map);
    map.put(strong, "kept");
    for (int i = 0; i < 50 && more(lost, map); i++) {
      System.gc();
      Thread.sleep(20);
    }
    System.out.println(kept.get() == strong);
    System.out.println(lost.get() + " " + lost.refersTo(null));
    System.out.println(soft.get() != null);
    System.out.println(queue.remove(10_000) == phantom);
    System.out.println(CLEANED.await(10, TimeUnit.SECONDS));
    System.out.println(map.values());
    kept.clear();
    System.out.println(kept.get() + " " + kept.refersTo(null));
    System.out.println(ProcessHandle.current().pid() > 0);
  }
}
