import java.util.*;
import java.util.function.*;

/** The language: types, control flow, arithmetic at its edges, exceptions. */
public class Language {
    interface Shape {
        double area();

        default String describe() {
            return "shape of " + area();
        }
    }

    record Circle(double r) implements Shape {
        public double area() {
            return Math.PI * r * r;
        }
    }

    record Square(double s) implements Shape {
        public double area() {
            return s * s;
        }
    }

    enum Color {
        RED,
        GREEN {
            @Override
            String show() {
                return "g!";
            }
        },
        BLUE;

        String show() {
            return name().toLowerCase();
        }
    }

    sealed interface Expr permits Num, Add {}

    record Num(int v) implements Expr {}

    record Add(Expr l, Expr r) implements Expr {}

    static int eval(Expr e) {
        if (e instanceof Num n) return n.v();
        if (e instanceof Add a) return eval(a.l()) + eval(a.r());
        throw new IllegalStateException();
    }

    static void arithmetic(int zero) {
        System.out.println((int) Double.NaN + " " + (long) 1e30 + " " + (byte) 300 + " " + (char) 66);
        System.out.println((5 % -3) + " " + (-5 / 2) + " " + (-5 >> 1) + " " + (-5 >>> 28) + " " + 5.5 % 2 + " " + -7.5f % 2);
        int min = Integer.MIN_VALUE + zero;
        long least = Long.MIN_VALUE + zero;
        System.out.println(min / -1 + " " + min % -1 + " " + least / -1 + " " + least % -1 + " " + (1 << 33) + " " + (1L << 65));
        System.out.println(0.1 + 0.2 + " " + (float) 1.1 + " " + 1e21 + " " + 100.0 + " " + Double.MIN_VALUE + " " + Float.MAX_VALUE);
        System.out.println(1.0 / zero + " " + -1.0 / zero + " " + 0.0 / zero + " " + (0.0 == -0.0) + " " + (Double.NaN < 1) + " " + !(Double.NaN >= 1));
        double nan = zero / 0.0;
        System.out.println((nan > 1) + " " + (nan < 1) + " " + (nan == nan) + " " + (nan != nan) + " " + (1 <= nan) + " " + (1f > (float) nan));
        byte b = (byte) 200;
        short s = (short) 70000;
        char c = 'a';
        c += 1;
        b >>>= 1;
        System.out.println(b + " " + s + " " + c + " " + (int) (char) -1);
        long x = 88172645463325252L;
        for (int i = 0; i < 5; i++) {
            x ^= x << 13;
            x ^= x >>> 7;
            x ^= x << 17;
        }
        System.out.println(x + " " + (int) x + " " + (x >> 3) + " " + Long.compare(x, 0) + " " + (x & 0xff | 0x100 ^ 3));
        try {
            System.out.println(1 / zero);
        } catch (ArithmeticException e) {
            System.out.println(e);
        }
        try {
            System.out.println(1L % zero);
        } catch (ArithmeticException e) {
            System.out.println(e);
        }
    }

    static int depth;

    static int descend(int n) {
        depth = n;
        return descend(n + 1) + 1;
    }

    static int finallyWins() {
        try {
            throw new RuntimeException("lost");
        } finally {
            return 7;
        }
    }

    static void check(Runnable r) {
        try {
            r.run();
        } catch (RuntimeException e) {
            System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
        }
    }

    static void exceptions() throws Exception {
        Object text = "s";
        check(() -> System.out.println((Integer) text));
        check(() -> System.out.println(((int[]) (Object) new int[2])[2]));
        check(() -> ((Object[]) new String[1])[0] = 1);
        check(() -> System.out.println(new int[-1].length));
        check(() -> System.arraycopy(new int[3], 1, new int[3], 2, 2));
        check(() -> System.arraycopy(new int[3], 1, new long[3], 1, 1));
        check(() -> Integer.parseInt("x1"));
        check(() -> List.of(1).add(2));
        check(() -> new ArrayList<>(List.of(1, 2)).forEach(v -> {
            throw new IllegalArgumentException("v" + v);
        }));
        try (AutoCloseable first = () -> System.out.println("close 1");
                AutoCloseable second = () -> {
                    throw new IllegalStateException("close 2");
                }) {
            throw new Exception("body");
        } catch (Exception e) {
            System.out.println(e.getMessage() + " " + e.getSuppressed()[0].getMessage());
        }
        System.out.println(finallyWins());
        try {
            descend(0);
        } catch (StackOverflowError e) {
            System.out.println(depth > 1000);
        }
        try {
            Class.forName("no.such.Type");
        } catch (ClassNotFoundException e) {
            System.out.println(e);
        }
    }

    static String pick(String s) {
        return switch (s) {
            case "one", "two" -> "small";
            case "many" -> {
                String t = s.toUpperCase();
                yield t;
            }
            default -> "?";
        };
    }

    static int sparse(int n) {
        switch (n) {
            case -1000000:
                return 1;
            case 5:
            case 6:
                return 2;
            case Integer.MAX_VALUE:
                return 3;
            default:
                return 4;
        }
    }

    public static void main(String[] args) throws Exception {
        for (Shape s : List.of(new Circle(1), new Square(2))) System.out.println(s + " " + s.describe() + " " + s.hashCode());
        for (Color c : Color.values()) System.out.println(c + c.show() + c.ordinal());
        System.out.println(eval(new Add(new Num(3), new Add(new Num(4), new Num(5)))));
        arithmetic(args.length);
        exceptions();
        System.out.println(pick("two") + pick("many") + pick("x") + sparse(-1000000) + sparse(6) + sparse(Integer.MAX_VALUE) + sparse(0));
        int[][] grid = new int[3][4];
        grid[1][2] = 5;
        grid[1][2]++;
        long[][][] cube = new long[2][3][];
        System.out.println(Arrays.deepToString(grid) + Arrays.deepToString(cube));
        outer:
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) {
                if (j == 2) continue outer;
                if (i == 2) break outer;
                System.out.print(i + "" + j + " ");
            }
        }
        Function<Integer, Function<Integer, Integer>> add = a -> b -> a + b;
        Supplier<List<String>> made = ArrayList::new;
        BiFunction<String, Integer, Character> at = String::charAt;
        System.out.println(add.apply(3).apply(4) + " " + made.get() + at.apply("abc", 1));
        Object anonymous = new Object() {
            final int x = args.length + 5;

            @Override
            public String toString() {
                return "x" + x;
            }
        };
        System.out.println(anonymous + """
             text
               block\tend""");
        Object[] boxes = {1, 2L, 3f, 4d, 'c', "s", true, null, (byte) 5, (short) 6};
        System.out.println(Arrays.toString(boxes) + boxes.getClass().getName() + int[].class + Map.Entry.class.getName());
        StringBuilder sb = new StringBuilder();
        for (char c = 'a'; c < 'g'; c++) sb.append(c).append((int) c).append(c * 1.5).append(';');
        System.out.println(sb.reverse().insert(2, true).deleteCharAt(0));
        throw new IllegalStateException("the end", new RuntimeException("cause"));
    }
}
