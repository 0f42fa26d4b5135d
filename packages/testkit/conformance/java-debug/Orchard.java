import java.util.ArrayList;
import java.util.List;

/** What a debugger looks at: lines, variables of every kind, calls, threads, exceptions caught and not. */
public class Orchard {
  static int total = 3;
  final String name;
  private long weight;

  Orchard(String name, long weight) {
    this.name = name;
    this.weight = weight;
  }

  int pick(int by, double scale, char letter) {
    int local = by * 2;
    total += local;
    String text = named(local, letter);
    return text.length() + (int) scale;
  }

  String named(int count, char letter) {
    boolean big = count > 100;
    short half = (short) (count / 2);
    return name + count + letter + big + half;
  }

  long weigh(int times) {
    return weight * times;
  }

  static void fails(int[] data) {
    float f = 1.5f;
    int at = data.length + (int) (f * 0);
    data[at] = 1;
  }

  @Override
  public String toString() {
    return "Orchard(" + name + ", " + weight + ")";
  }

  static void turn() {
    System.out.println("turning");
    long sum = 0;
    for (int i = 0; ; i++) {
      sum += i ^ (sum >> 3);
      if (i % 20_000_000 == 19_999_999) System.out.println("still turning");
    }
  }

  static class Worker extends Thread {
    Worker() {
      super("worker");
    }

    @Override
    public void run() {
      String other = "in thread";
      System.out.println(other);
    }
  }

  public static void main(String[] args) throws Exception {
    if (args.length > 0) turn();
    Orchard p = new Orchard("apple", 7);
    List<String> list = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int r = p.pick(i, 1.5, 'x');
      list.add("r" + r);
    }
    try {
      fails(new int[] {4, 5});
    } catch (ArrayIndexOutOfBoundsException e) {
      System.out.println("caught " + e.getMessage());
    }
    Thread t = new Worker();
    t.start();
    t.join();
    System.out.println(list + " " + total);
    throw new IllegalStateException("last");
  }
}
