import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** Code that runs long enough to be compiled again: what it does must stay what it was. */
public class Hot {
  interface Shape {
    double area();

    default String label() {
      return getClass().getSimpleName();
    }
  }

  record Square(double side) implements Shape {
    public double area() {
      return side * side;
    }
  }

  record Circle(double radius) implements Shape {
    public double area() {
      return 3 * radius * radius;
    }
  }

  static class Late implements Shape {
    public double area() {
      return -1;
    }

    public String label() {
      return "late";
    }
  }

  static abstract class Animal {
    int legs() {
      return 4;
    }

    abstract int weight(int factor);
  }

  static class Cat extends Animal {
    int weight(int factor) {
      return 3 * factor;
    }
  }

  static class Bird extends Animal {
    int legs() {
      return 2;
    }

    int weight(int factor) {
      if (factor % 50_000 == 49_999) throw new IllegalArgumentException("bird " + factor);
      return factor / 2;
    }
  }

  static int fibonacci(int n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
  }

  static boolean even(int n) {
    return n == 0 || odd(n - 1);
  }

  static boolean odd(int n) {
    return n != 0 && even(n - 1);
  }

  static int depth = 0;

  static void deeper() {
    depth++;
    deeper();
  }

  static int index(int[] data, int i) {
    if (i < 0 || i >= data.length) throw new ArrayIndexOutOfBoundsException(i);
    return data[i];
  }

  static int through(int[] data, int i) {
    return index(data, i) + 1;
  }

  static synchronized long locked(int n) {
    long sum = 0;
    for (int i = 0; i < n; i++) sum += i % 7;
    return sum;
  }

  static long everyKind(int n, long a, float b, double c, String text) {
    int count = 0;
    long wide = a;
    float narrow = b;
    double broad = c;
    String last = text;
    Object any = null;
    for (int i = 0; i < n; i++) {
      count += i & 3;
      wide = wide * 31 + count;
      narrow = narrow * 0.5f + i;
      broad = broad / 3 + narrow;
      if (i % 100_000 == 0) {
        last = text + i;
        any = last;
      }
    }
    return wide ^ Float.floatToIntBits(narrow) ^ Double.doubleToLongBits(broad) ^ last.hashCode() ^ any.hashCode();
  }

  static String caught(int rounds) {
    int caught = 0;
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rounds; i++) {
      try {
        if (i % 1000 == 999) throw new IllegalStateException("at " + i);
        through(new int[3], i % 5 == 4 ? 3 : i % 3);
      } catch (IllegalStateException e) {
        text.append(e.getMessage().length());
      } catch (ArrayIndexOutOfBoundsException e) {
        caught++;
      } finally {
        if (i % 10_000 == 0) text.append('.');
      }
    }
    return caught + " " + text;
  }

  static final RuntimeException EVEN = new IllegalStateException("even"), ODD = new IllegalArgumentException("odd");
  static int ended;

  static int divide(int a, int b) {
    return a / b;
  }

  static int after(int i) {
    if (i % 35_000 == 0) throw new IllegalStateException("after " + i);
    return -1;
  }

  /** Small enough to stand in its caller's code, handlers and all. */
  static int guarded(int i) {
    try {
      return divide(100, i % 7);
    } catch (ArithmeticException e) {
      if (i % 42_000 == 0) trace(e);
      return after(i);
    } finally {
      ended++;
    }
  }

  static int nested(int i) {
    try {
      return guarded(i);
    } catch (IllegalStateException e) {
      trace(e);
      return -2;
    }
  }

  static int ready(int i) {
    throw i % 3 == 0 ? EVEN : ODD;
  }

  static int chosen(int i) {
    try {
      return ready(i);
    } catch (IllegalStateException e) {
      return e == EVEN ? 1 : 2;
    }
  }

  static void inlined() {
    long sum = 0;
    for (int i = 1; i <= 120_000; i++) {
      sum += nested(i);
      try {
        sum += chosen(i);
      } catch (IllegalArgumentException e) {
        sum += e == ODD ? 10 : 20;
      }
    }
    System.out.println(sum + " " + ended);
  }

  static void trace(Throwable e) {
    System.out.println(e);
    for (StackTraceElement frame : e.getStackTrace()) System.out.println("  " + frame);
  }

  static void run(String name, Runnable body) {
    try {
      body.run();
    } catch (RuntimeException | StackOverflowError e) {
      System.out.println(name + ": " + e);
    }
  }

  public static void main(String[] args) {
    System.out.println(fibonacci(27));
    boolean even = false;
    for (int i = 0; i < 20_000; i++) even ^= even(i % 40);
    System.out.println(even);
    System.out.println(everyKind(400_000, 5, 1.5f, 2.5, "text"));
    System.out.println(locked(100_000) + locked(50_000));
    System.out.println(caught(60_000));

    List<Shape> shapes = new ArrayList<>(List.of(new Square(2), new Circle(1)));
    double area = 0;
    StringBuilder labels = new StringBuilder();
    for (int i = 0; i < 120_000; i++) {
      if (i == 90_000) shapes.add(new Late());
      Shape shape = shapes.get(i % shapes.size());
      area += shape.area();
      if (i % 20_000 == 0) labels.append(shape.label()).append(' ');
    }
    System.out.println(area + " " + labels);

    Animal[] animals = {new Cat(), new Bird()};
    long sum = 0;
    for (int i = 0; i < 100_000; i++) {
      Animal animal = animals[i & 1];
      try {
        sum += animal.weight(i) + animal.legs();
      } catch (IllegalArgumentException e) {
        trace(e);
      }
    }
    System.out.println(sum);
    for (int i = 0; i < 12_000; i++) {
      try {
        sum += through(new int[2], i == 11_999 ? 2 : 0);
      } catch (ArrayIndexOutOfBoundsException e) {
        trace(e);
      }
    }
    for (int round = 0; round < 3; round++) {
      depth = 0;
      run("deep", Hot::deeper);
      System.out.println(depth > 1000);
    }
    IntUnaryOperator twice = x -> x * 2;
    IntUnaryOperator both = twice.andThen(x -> x + 1);
    int value = 1;
    for (int i = 0; i < 50_000; i++) value = both.applyAsInt(value) % 1_000_003;
    System.out.println(value);
    inlined();
    Object nothing = null;
    for (int i = 0; i < 3; i++) run("null", () -> System.out.println(nothing.hashCode()));
  }
}
