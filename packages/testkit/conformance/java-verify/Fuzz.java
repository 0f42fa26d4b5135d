import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Random;

/** Changes bytes of a class file and tells, for each mutant, what defining and linking it comes to. */
public class Fuzz {
  static class Mutants extends ClassLoader {
    final String name;
    final byte[] bytes;

    Mutants(String name, byte[] bytes) {
      super(Fuzz.class.getClassLoader());
      this.name = name;
      this.bytes = bytes;
    }

    protected Class<?> loadClass(String wanted, boolean resolve) throws ClassNotFoundException {
      if (!wanted.equals(name)) return super.loadClass(wanted, resolve);
      Class<?> known = findLoadedClass(wanted);
      return known != null ? known : defineClass(wanted, bytes, 0, bytes.length);
    }
  }

  static String attempt(String name, byte[] bytes) {
    try {
      Class<?> type = new Mutants(name, bytes).loadClass(name, false);
      return "members " + type.getDeclaredMethods().length;
    } catch (Throwable e) {
      return e.getClass().getName();
    }
  }

  /** Arguments: a class, the folder it is in, how many mutants, the seed, and a class file version to give them, or 0. */
  public static void main(String[] args) throws Exception {
    byte[] original = Files.readAllBytes(Paths.get(args[1], args[0] + ".class"));
    Random random = new Random(Long.parseLong(args[3]));
    int version = Integer.parseInt(args[4]);
    if (version != 0) original[7] = (byte) version;
    for (int i = 0; i < Integer.parseInt(args[2]); i++) {
      byte[] bytes = original.clone();
      int at = 10 + random.nextInt(bytes.length - 10);
      int how = random.nextInt(3);
      if (how == 0) bytes[at] = (byte) random.nextInt(256);
      else if (how == 1) bytes[at] += (byte) (1 - random.nextInt(3));
      else bytes[at] ^= (byte) (1 << random.nextInt(8));
      System.out.println(i + " " + attempt(args[0], bytes));
    }
  }
}
