import java.lang.annotation.*;
import java.lang.invoke.*;
import java.lang.reflect.*;
import java.util.*;
import java.util.stream.Stream;

/** Reflection, annotations, proxies, method and variable handles, stack walking, messages about null. */
public class Reflective {
    @Retention(RetentionPolicy.RUNTIME)
    @interface Mark {
        String value() default "none";

        int n() default 3;

        Class<?>[] types() default {};
    }

    @Mark(value = "x", types = {String.class, int.class})
    static class Sample {
        public int a = 1;
        private String b = "bb";

        public Sample() {}

        public Sample(int a, String b) {
            this.a = a;
            this.b = b;
        }

        @Deprecated
        public int sum(int x, long y) {
            return (int) (a + x + y);
        }

        static String join(String... s) {
            return String.join("/", s);
        }

        private void fail() {
            throw new IllegalArgumentException("inner");
        }
    }

    interface Greeter {
        String hi(String s);
    }

    record Pair<T>(T left, @Deprecated List<? extends T> right) {}

    int number = 5;
    Object object;
    Reflective next;
    int[][] table;
    static int[] array;

    static Reflective nothing() {
        return null;
    }

    static void reflection() throws Exception {
        Class<?> c = Sample.class;
        System.out.println(c + " " + c.getSimpleName() + " " + Modifier.toString(c.getModifiers()) + " " + c.getEnclosingClass() + " " + c.getNestHost());
        Stream.of(c.getDeclaredMethods()).sorted(Comparator.comparing(Method::getName)).forEach(m -> System.out.println(m.toGenericString() + m.isVarArgs() + Arrays.toString(m.getAnnotations())));
        for (Field f : c.getDeclaredFields()) System.out.println(f);
        System.out.println(c.getAnnotation(Mark.class));
        Object o = c.getConstructor(int.class, String.class).newInstance(7, "q");
        System.out.println(c.getMethod("sum", int.class, long.class).invoke(o, 1, 2L));
        Field b = c.getDeclaredField("b");
        b.setAccessible(true);
        b.set(o, "zz");
        System.out.println(b.get(o) + " " + c.getField("a").getInt(o));
        try {
            c.getDeclaredMethod("fail").invoke(o);
        } catch (InvocationTargetException e) {
            System.out.println(e.getCause());
        }
        try {
            c.getMethod("sum", int.class, long.class).invoke(o, "x", 2L);
        } catch (IllegalArgumentException e) {
            System.out.println(e.getMessage());
        }
        System.out.println(c.getDeclaredMethod("join", String[].class).invoke(null, (Object) new String[] {"a", "b"}));
        for (RecordComponent r : Pair.class.getRecordComponents()) System.out.println(r + " " + r.getGenericType() + Arrays.toString(r.getAnnotations()));
        Greeter g = (Greeter) Proxy.newProxyInstance(Reflective.class.getClassLoader(), new Class<?>[] {Greeter.class}, (p, m, as) -> m.getName() + as[0]);
        System.out.println(g.hi("!"));
        Object numbers = Array.newInstance(int.class, 3);
        Array.set(numbers, 1, (byte) 4);
        System.out.println(Arrays.toString((int[]) numbers) + Array.getLength(numbers) + Array.get(numbers, 1));
    }

    static void handles() throws Throwable {
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        MethodHandle concat = lookup.findVirtual(String.class, "concat", MethodType.methodType(String.class, String.class));
        System.out.println((String) concat.invokeExact("ab", "cd"));
        MethodHandle sum = lookup.findStatic(Integer.class, "sum", MethodType.methodType(int.class, int.class, int.class));
        System.out.println((int) sum.invokeExact(3, 4) + " " + sum.invoke((short) 1, (byte) 2) + " " + MethodHandles.insertArguments(sum, 0, 10).invoke(5));
        MethodHandle text = lookup.findStatic(String.class, "valueOf", MethodType.methodType(String.class, int.class));
        System.out.println(MethodHandles.filterReturnValue(sum, text).invoke(1, 2) + " " + sum.type() + " " + sum.asSpreader(Object[].class, 2).invoke(new Object[] {4, 5}));
        VarHandle number = lookup.findVarHandle(Reflective.class, "number", int.class);
        Reflective r = new Reflective();
        System.out.println(number.compareAndSet(r, 5, 6) + " " + (int) number.getAndAdd(r, 4) + " " + (int) number.getVolatile(r));
        VarHandle elements = MethodHandles.arrayElementVarHandle(long[].class);
        long[] longs = {1, 2};
        elements.setVolatile(longs, 1, 9L);
        System.out.println(Arrays.toString(longs));
        try {
            sum.invokeExact("x");
        } catch (WrongMethodTypeException e) {
            System.out.println(e.getMessage());
        }
        StackWalker.getInstance().forEach(f -> System.out.println(f.getMethodName() + ":" + f.getLineNumber()));
    }

    static void isNull(Runnable r) {
        try {
            r.run();
        } catch (NullPointerException e) {
            System.out.println(e.getMessage());
        }
    }

    static void nulls(String text, Object[] objects, int[] ints, Reflective self, int i) {
        Reflective t = new Reflective();
        isNull(() -> array[0] = 1);
        isNull(() -> System.out.println(array.length));
        isNull(() -> t.next.number++);
        isNull(() -> t.next.next.number = 3);
        isNull(() -> nothing().toString());
        isNull(() -> t.object.hashCode());
        isNull(() -> t.table[1][2]++);
        isNull(() -> {
            synchronized (t.object) {
                System.out.println();
            }
        });
        isNull(() -> {
            throw (RuntimeException) t.object;
        });
        isNull(() -> System.out.println(text.length()));
        isNull(() -> objects[3] = text);
        isNull(() -> System.out.println(ints[i]));
        isNull(() -> self.number = 1);
        isNull(() -> {
            t.table = new int[3][];
            t.table[2][i + 1] = 4;
        });
        isNull(() -> Objects.requireNonNull(null, "custom"));
        isNull(() -> {
            throw new NullPointerException();
        });
    }

    public static void main(String[] args) throws Throwable {
        reflection();
        handles();
        nulls(null, null, null, null, 0);
    }
}
