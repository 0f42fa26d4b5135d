import java.util.List;

/** What the verifier is tried on: a little of every kind of instruction. */
public class Classic {
  int count;
  static long total;
  protected double[] values = new double[4];
  String name = "text";

  Classic(int count) {
    this.count = count;
    if (count > 3) total++;
  }

  Classic() {
    this(5);
  }

  int sum(int[] items, long bound, double limit) {
    int sum = 0;
    for (int item : items) sum += item;
    for (long i = 0; i < bound; i++) {
      if (limit > i) sum ^= (int) i;
      else sum--;
    }
    return sum;
  }

  static Object pick(boolean first, String text, List<String> list) {
    Object chosen = first ? text : list;
    if (chosen instanceof String) return ((String) chosen).length();
    return list.get(0);
  }

  long guarded(Object lock) {
    try {
      synchronized (lock) {
        return lock.hashCode();
      }
    } catch (NullPointerException e) {
      return -1;
    } finally {
      count++;
    }
  }

  int chosen(int key) {
    switch (key) {
      case 1:
        return 5;
      case 2:
        key++;
      case 3:
        return key;
      case 1000:
        return 7;
      default:
        throw new IllegalStateException("key " + key);
    }
  }

  static double[][] grid(int size) {
    double[][] grid = new double[size][size];
    grid[0][0] = 1.5;
    Object[] all = {grid, "x", 1L};
    float f = (float) grid[0][0];
    byte b = (byte) f;
    short s = (short) b;
    return all.length > s ? grid : null;
  }
}
