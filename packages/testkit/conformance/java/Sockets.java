import java.io.*;
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
public class Sockets {
  static void echo() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread t = new Thread(() -> {
        try { for (int i = 0; i < 3; i++) try (Socket s = server.accept()) {
          BufferedReader r = new BufferedReader(new InputStreamReader(s.getInputStream()));
          String line; while ((line = r.readLine()) != null) { s.getOutputStream().write((line.toUpperCase() + "\n").getBytes()); }
        } } catch (IOException e) { e.printStackTrace(); }
      });
      t.start();
      for (int i = 0; i < 3; i++) try (Socket s = new Socket(server.getInetAddress(), server.getLocalPort())) {
        s.setTcpNoDelay(true); s.setSoTimeout(5000);
        System.out.println(s.isConnected() + " " + s.getInetAddress() + " " + s.getTcpNoDelay() + " " + s.getSoTimeout() + " " + s.getKeepAlive());
        s.getOutputStream().write(("hello " + i + "\nagain\n").getBytes());
        BufferedReader r = new BufferedReader(new InputStreamReader(s.getInputStream()));
        System.out.println(r.readLine() + " " + r.readLine());
        s.shutdownOutput();
        System.out.println(r.readLine());
      }
      t.join();
    }
  }
  static void big() throws Exception {
    try (ServerSocket server = new ServerSocket(0)) {
      byte[] data = new byte[5_000_000]; new Random(1).nextBytes(data);
      Thread t = new Thread(() -> { try (Socket s = server.accept()) { s.getOutputStream().write(data); } catch (IOException e) { e.printStackTrace(); } });
      t.start();
      try (Socket s = new Socket("localhost", server.getLocalPort())) {
        byte[] got = s.getInputStream().readAllBytes();
        System.out.println(Arrays.equals(got, data) + " " + got.length);
      }
      t.join();
    }
  }
  static void errors() throws Exception {
    try { new Socket("127.0.0.1", 1).close(); } catch (ConnectException e) { System.out.println(e); }
    try (ServerSocket a = new ServerSocket(0)) {
      try { new ServerSocket(a.getLocalPort()); } catch (BindException e) { System.out.println(e); }
      a.setSoTimeout(50);
      try { a.accept(); } catch (SocketTimeoutException e) { System.out.println(e); }
      try (Socket s = new Socket("127.0.0.1", a.getLocalPort())) {
        s.setSoTimeout(50);
        try { s.getInputStream().read(); } catch (SocketTimeoutException e) { System.out.println(e); }
        Thread t = new Thread(() -> { try { Thread.sleep(100); s.close(); } catch (Exception e) { } });
        s.setSoTimeout(0); t.start();
        try { s.getInputStream().read(); } catch (SocketException e) { System.out.println(e); }
      }
    }
    try { InetAddress.getByName("no-such-name.invalid"); } catch (UnknownHostException e) { System.out.println(e.getMessage()); }
    ServerSocket c = new ServerSocket(0);
    Thread t = new Thread(() -> { try { Thread.sleep(100); c.close(); } catch (Exception e) { } }); t.start();
    try { c.accept(); } catch (SocketException e) { System.out.println(e); }
    System.out.println(Arrays.toString(InetAddress.getByName("localhost").getAddress()) + InetAddress.getByName("10.1.2.3"));
  }
  static void nio() throws Exception {
    Selector selector = Selector.open();
    ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
    server.configureBlocking(false); server.register(selector, SelectionKey.OP_ACCEPT);
    int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
    Thread client = new Thread(() -> {
      try (SocketChannel ch = SocketChannel.open(new InetSocketAddress("127.0.0.1", port))) {
        ByteBuffer[] parts = {ByteBuffer.wrap("one ".getBytes()), ByteBuffer.wrap("two".getBytes())};
        ch.write(parts); ch.shutdownOutput();
        ByteBuffer b = ByteBuffer.allocate(100); while (ch.read(b) >= 0); b.flip();
        System.out.println("client got " + StandardCharsets.UTF_8.decode(b));
      } catch (IOException e) { e.printStackTrace(); }
    });
    client.start();
    boolean done = false;
    while (!done) {
      selector.select();
      for (Iterator<SelectionKey> i = selector.selectedKeys().iterator(); i.hasNext();) {
        SelectionKey k = i.next(); i.remove();
        if (k.isAcceptable()) { SocketChannel s = server.accept(); s.configureBlocking(false); s.register(selector, SelectionKey.OP_READ, ByteBuffer.allocate(100)); }
        else if (k.isReadable()) {
          ByteBuffer b = (ByteBuffer) k.attachment(); SocketChannel s = (SocketChannel) k.channel();
          if (s.read(b) < 0) { b.flip(); s.write(b); s.close(); done = true; }
        }
      }
    }
    client.join(); server.close();
    System.out.println(selector.selectNow() + " " + selector.select(20));
    new Thread(() -> { try { Thread.sleep(50); } catch (InterruptedException e) { } selector.wakeup(); }).start();
    System.out.println(selector.select()); selector.close();
    Pipe pipe = Pipe.open(); pipe.sink().write(ByteBuffer.wrap("pipe".getBytes())); pipe.sink().close();
    ByteBuffer b = ByteBuffer.allocate(10); while (pipe.source().read(b) >= 0); System.out.println(b.position());
  }
  static void http() throws Exception {
    var server = com.sun.net.httpserver.HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", x -> { byte[] body = ("path " + x.getRequestURI() + " " + x.getRequestMethod() + " " + new String(x.getRequestBody().readAllBytes())).getBytes(); x.sendResponseHeaders(200, body.length); x.getResponseBody().write(body); x.close(); });
    server.start();
    String base = "http://127.0.0.1:" + server.getAddress().getPort();
    HttpURLConnection c = (HttpURLConnection) new URL(base + "/a?b").openConnection();
    System.out.println(c.getResponseCode() + " " + new String(c.getInputStream().readAllBytes()));
    var client = java.net.http.HttpClient.newHttpClient();
    var r = client.send(java.net.http.HttpRequest.newBuilder(URI.create(base + "/post")).POST(java.net.http.HttpRequest.BodyPublishers.ofString("body")).build(), java.net.http.HttpResponse.BodyHandlers.ofString());
    System.out.println(r.statusCode() + " " + r.body() + " " + r.version());
    var f = client.sendAsync(java.net.http.HttpRequest.newBuilder(URI.create(base + "/async")).build(), java.net.http.HttpResponse.BodyHandlers.ofString());
    System.out.println(f.get(20, TimeUnit.SECONDS).body());
    server.stop(0);
  }
  public static void main(String[] a) throws Exception {
    for (String what : a.length > 0 ? a : new String[] {"echo", "big", "errors", "nio", "http"}) {
      System.out.println("== " + what);
      Sockets.class.getDeclaredMethod(what).invoke(null);
    }
    System.exit(0);
  }
}
