import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Compute kernels: each is timed in rounds, and the best round is printed as `name nanoseconds checksum`. */
public class Kernels {
  interface Kernel {
    long run(int n);
  }

  interface Shape {
    int area();
  }

  static final class Square implements Shape {
    final int side;

    Square(int side) {
      this.side = side;
    }

    public int area() {
      return side * side;
    }
  }

  static final class Oblong implements Shape {
    final int width, height;

    Oblong(int width, int height) {
      this.width = width;
      this.height = height;
    }

    public int area() {
      return width * height;
    }
  }

  abstract static class Node {
    abstract int value(int x);
  }

  static class Add extends Node {
    final int by;

    Add(int by) {
      this.by = by;
    }

    int value(int x) {
      return x + by;
    }
  }

  static class Mul extends Node {
    int value(int x) {
      return x * 3;
    }
  }

  static class Counter {
    int count;
    long total;

    void add(int by) {
      count++;
      total += by;
    }
  }

  static final class Cell {
    final int head;
    final Cell tail;

    Cell(int head, Cell tail) {
      this.head = head;
      this.tail = tail;
    }
  }

  static long loops(int n) {
    long sum = 0;
    for (int i = 0; i < n; i++) for (int j = 0; j < 100; j++) sum += (i ^ j) * (long) j;
    return sum;
  }

  static long arrays(int n) {
    boolean[] composite = new boolean[n * 50];
    long count = 0;
    for (int i = 2; i < composite.length; i++) {
      if (composite[i]) continue;
      count++;
      for (long j = (long) i * i; j < composite.length; j += i) composite[(int) j] = true;
    }
    return count;
  }

  static long matrix(int n) {
    int size = 60;
    double[][] a = new double[size][size], b = new double[size][size], c = new double[size][size];
    for (int i = 0; i < size; i++)
      for (int j = 0; j < size; j++) {
        a[i][j] = i + j;
        b[i][j] = i - j;
      }
    for (int round = 0; round * 2000 < n; round++)
      for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
          double sum = 0;
          for (int k = 0; k < size; k++) sum += a[i][k] * b[k][j];
          c[i][j] = sum;
        }
    return Double.doubleToLongBits(c[size - 1][size - 2]);
  }

  static long fields(int n) {
    Counter counter = new Counter();
    for (int i = 0; i < n * 50; i++) counter.add(i);
    return counter.total + counter.count;
  }

  static long virtuals(int n) {
    Node[] nodes = {new Add(1), new Mul(), new Add(7), new Add(-3)};
    int x = 1;
    for (int i = 0; i < n * 20; i++) x = nodes[i & 3].value(x);
    return x;
  }

  static long interfaces(int n) {
    Shape[] shapes = new Shape[64];
    for (int i = 0; i < 64; i++) shapes[i] = i % 2 == 0 ? new Square(i) : new Oblong(i, i + 1);
    long sum = 0;
    for (int i = 0; i < n * 20; i++) sum += shapes[i & 63].area();
    return sum;
  }

  static int fib(int n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
  }

  static long calls(int n) {
    long sum = 0;
    for (int i = 0; i < n; i += 1000) sum += fib(20);
    return sum;
  }

  static long allocation(int n) {
    long sum = 0;
    for (int i = 0; i < n; i++) {
      Cell list = null;
      for (int j = 0; j < 10; j++) list = new Cell(j ^ i, list);
      for (Cell c = list; c != null; c = c.tail) sum += c.head;
    }
    return sum;
  }

  static long strings(int n) {
    long sum = 0;
    for (int i = 0; i < n / 10; i++) {
      StringBuilder text = new StringBuilder();
      for (int j = 0; j < 20; j++) text.append(i + j).append(',');
      String made = text.toString();
      sum += made.hashCode() + made.indexOf("9,") + made.substring(3, 9).length();
      for (int j = 0; j < made.length(); j++) sum += made.charAt(j);
    }
    return sum;
  }

  static int failing(int i) {
    if (i % 3 == 0) throw new IllegalStateException();
    return i;
  }

  static final IllegalStateException READY = new IllegalStateException();

  static int failingReady(int i) {
    if (i % 3 == 0) throw READY;
    return i;
  }

  static long exceptions(int n) {
    long sum = 0;
    for (int i = 0; i < n; i++) {
      try {
        sum += failingReady(i);
      } catch (IllegalStateException e) {
        sum--;
      }
    }
    for (int i = 0; i < n / 50; i++) {
      try {
        sum += failing(i);
      } catch (IllegalStateException e) {
        sum--;
      }
    }
    return sum;
  }

  static long collections(int n) {
    Map<Integer, Integer> map = new HashMap<>();
    List<Integer> list = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      map.merge(i % 1000, 1, Integer::sum);
      list.add(i);
    }
    long sum = 0;
    for (int x : list) sum += x;
    for (Map.Entry<Integer, Integer> e : map.entrySet()) sum += e.getKey() * (long) e.getValue();
    return sum;
  }

  static long doubles(int n) {
    double x = 0.1, y = 0.2, z = 0.3, vx = 0.01, vy = 0.02, vz = -0.01;
    for (int i = 0; i < n * 20; i++) {
      double d = x * x + y * y + z * z + 0.01, m = 0.001 / (d * Math.sqrt(d));
      vx -= x * m;
      vy -= y * m;
      vz -= z * m;
      x += vx * 0.01;
      y += vy * 0.01;
      z += vz * 0.01;
    }
    return Double.doubleToLongBits(x + y + z);
  }

  static final String[] NAMES = {
    "loops", "arrays", "matrix", "fields", "virtuals", "interfaces", "calls", "allocation", "strings", "exceptions",
    "collections", "doubles",
  };

  static final Kernel[] KERNELS = {
    Kernels::loops, Kernels::arrays, Kernels::matrix, Kernels::fields, Kernels::virtuals, Kernels::interfaces,
    Kernels::calls, Kernels::allocation, Kernels::strings, Kernels::exceptions, Kernels::collections, Kernels::doubles,
  };

  public static void main(String[] args) {
    int n = Integer.parseInt(args[0]);
    int rounds = Integer.parseInt(args[1]);
    for (int k = 0; k < KERNELS.length; k++) {
      if (args.length > 2 && !args[2].equals(NAMES[k])) continue;
      long best = Long.MAX_VALUE, check = 0;
      for (int round = 0; round < rounds; round++) {
        long start = System.nanoTime();
        check = KERNELS[k].run(n);
        best = Math.min(best, System.nanoTime() - start);
      }
      System.out.println(NAMES[k] + " " + best + " " + check);
    }
  }
}
