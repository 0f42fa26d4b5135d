import java.io.*;
public class Traces {
  static class Own extends RuntimeException { Own(String m, Throwable c) { super(m, c); } }
  static class Bare extends RuntimeException { Bare() { super("bare", null, false, false); } }
  static void deep(int n) { if (n == 0) throw new Own("deep", new IOException("cause")); deep(n - 1); }
  static void thread() throws Exception {
    Throwable[] t = new Throwable[1];
    Thread a = new Thread(() -> { try { deep(3); } catch (Own e) { t[0] = e; } });
    a.start(); a.join();
    StackTraceElement[] s = t[0].getStackTrace();
    System.out.println(s.length + " " + s[0] + " " + s[4].getMethodName().startsWith("lambda"));
  }
  public static void main(String[] x) throws Exception {
    try { deep(5); } catch (Own e) { e.printStackTrace(System.out); System.out.println(e.getStackTrace().length); }
    try { throw new Bare(); } catch (Bare e) { e.printStackTrace(System.out); System.out.println(e.getStackTrace().length); e.fillInStackTrace(); System.out.println(e.getStackTrace().length); }
    Own kept = null;
    try { deep(2); } catch (Own e) { kept = e; }
    kept.fillInStackTrace();
    kept.printStackTrace(System.out);
    kept.setStackTrace(new StackTraceElement[] {new StackTraceElement("A", "b", "C.java", 7)});
    kept.printStackTrace(System.out);
    ByteArrayOutputStream o = new ByteArrayOutputStream();
    try { deep(1); } catch (Own e) { new ObjectOutputStream(o).writeObject(e); }
    Throwable read = (Throwable) new ObjectInputStream(new ByteArrayInputStream(o.toByteArray())).readObject();
    read.printStackTrace(System.out);
    thread();
    try { Object n = null; n.hashCode(); } catch (NullPointerException e) { System.out.println(e.getMessage() + " " + e.getStackTrace()[0]); }
    try { deep(100000); } catch (StackOverflowError e) { System.out.println(e.getStackTrace().length + " " + e.getStackTrace()[0].getMethodName()); }
    Throwable[] many = new Throwable[2000];
    for (int i = 0; i < many.length; i++) many[i] = new Throwable();
    System.out.println(many[1999].getStackTrace().length + " " + many[3].getStackTrace()[0]);
    kept.addSuppressed(new Exception("s"));
    throw kept;
  }
}
