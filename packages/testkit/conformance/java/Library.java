import java.io.*;
import java.math.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.MessageDigest;
import java.text.*;
import java.time.*;
import java.time.format.DateTimeFormatter;
import java.util.*;
import java.util.regex.*;
import java.util.stream.*;
import java.util.zip.*;

/** The library: collections, streams, text, time, files, compression, serialization. */
public class Library {
    static void collections() {
        Map<String, Integer> words = new TreeMap<>();
        for (String w : "the quick brown fox jumps over the lazy dog the end".split(" ")) words.merge(w, 1, Integer::sum);
        System.out.println(words + " " + new HashMap<>(words).hashCode() + " " + new LinkedHashMap<>(words));
        System.out.println(IntStream.rangeClosed(1, 10).mapToObj(i -> "n" + i).collect(Collectors.joining(",", "[", "]")));
        System.out.println(Stream.of("b", "a", "c").sorted(Comparator.reverseOrder()).toList());
        System.out.println(new TreeMap<>(words.keySet().stream().collect(Collectors.groupingBy(String::length, Collectors.counting()))));
        System.out.println(Stream.iterate(1, x -> x * 2).limit(20).reduce(0, Integer::sum) + " " + IntStream.range(0, 1000).parallel().sum());
        BitSet bits = new BitSet();
        bits.set(3);
        bits.set(70);
        PriorityQueue<Integer> queue = new PriorityQueue<>(List.of(5, 1, 3));
        System.out.println(bits + " " + queue.poll() + queue + new ArrayDeque<>(List.of(1, 2, 3)).peekLast());
        Integer[] numbers = new Random(7).ints(2000, 0, 500).boxed().toArray(Integer[]::new);
        Arrays.sort(numbers, Comparator.comparing((Integer i) -> i % 10).thenComparing(Comparator.naturalOrder()));
        System.out.println(Arrays.hashCode(numbers) + " " + Objects.hash(1, "a", 2.5) + " " + List.of(1, 2).hashCode() + " " + "hello".hashCode());
    }

    static void text() throws Exception {
        System.out.printf("%d %5.2f %s %x %08d %,d %e%n", 42, 3.14159, "hi", 255, 77, 1234567, 12345.678);
        System.out.println(String.format("%-10s|%10s|%c|%b|%%|%+d", "left", "right", 'x', true, 5));
        System.out.println("a,b,,c".split(",").length + "x".repeat(3) + " trim ".strip() + "|" + String.join("-", "a", "b") + "été".toUpperCase());
        System.out.println("hello".replaceAll("l+", "L") + "a.b.c".replace('.', '/') + "abc".compareTo("abd") + "  ".isBlank() + "Ab".chars().sum());
        Matcher m = Pattern.compile("(?<y>\\d{4})-(?<m>\\d\\d)").matcher("on 2024-05 and 2023-11");
        while (m.find()) System.out.println(m.group("y") + "/" + m.group("m") + " at " + m.start());
        System.out.println(new DecimalFormat("#,##0.00").format(1234567.891) + " " + NumberFormat.getPercentInstance(Locale.US).format(0.256)
                + " " + MessageFormat.format("{0} is {1,number,integer}", "x", 42));
        System.out.println(Arrays.toString("€uro".getBytes("UTF-16")) + new String("héllo".getBytes(StandardCharsets.UTF_8), "ISO-8859-1").length());
        System.out.println(Base64.getEncoder().encodeToString("hello".getBytes()) + " " + UUID.nameUUIDFromBytes("x".getBytes()));
        System.out.println(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest("abc".getBytes())));
        System.out.println(new BigInteger("123456789012345678901234567890").pow(3).mod(BigInteger.valueOf(1000007))
                + " " + new BigDecimal("1.10").divide(new BigDecimal("3"), 20, RoundingMode.HALF_UP));
        Scanner in = new Scanner("1 two 3.5\nnext line");
        System.out.println(in.nextInt() + in.next() + in.nextDouble() + in.nextLine() + in.nextLine());
        System.out.println(new Random(42).nextInt(1000) + " " + new Random(42).nextGaussian() + " " + Double.parseDouble("1e-3"));
        System.out.println(Math.sin(1) + " " + Math.pow(2, 0.5) + " " + Math.cbrt(27) + " " + Math.round(-2.5) + " " + Math.fma(2.0, 3.0, 1.0)
                + " " + Math.floorMod(-7, 3) + " " + Math.IEEEremainder(7, 2.5) + " " + Integer.toString(-255, 16) + " " + Long.toBinaryString(5));
    }

    static void time() {
        System.out.println(LocalDate.of(2024, 2, 29).plusYears(1) + " " + Duration.ofSeconds(3661)
                + " " + Period.between(LocalDate.of(2020, 1, 1), LocalDate.of(2024, 3, 15)));
        System.out.println(ZonedDateTime.of(2024, 7, 1, 12, 0, 0, 0, ZoneId.of("Europe/Paris")).toInstant());
        System.out.println(LocalDateTime.of(2024, 1, 2, 3, 4, 5).format(DateTimeFormatter.ofPattern("EEEE, d MMMM yyyy HH:mm:ss", Locale.US)));
        SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd HH:mm z", Locale.US);
        format.setTimeZone(TimeZone.getTimeZone("America/New_York"));
        System.out.println(format.format(new Date(0)) + " " + LocalDate.parse("2024-12-25").getDayOfWeek());
    }

    static void files() throws Exception {
        Path folder = Files.createTempDirectory("library");
        Path file = folder.resolve("a.txt");
        Files.writeString(file, "line1\nlíne2\n");
        System.out.println(Files.readAllLines(file) + " " + Files.size(file));
        try (BufferedWriter out = new BufferedWriter(new FileWriter(file.toFile(), true))) {
            out.write("more");
        }
        try (RandomAccessFile random = new RandomAccessFile(file.toFile(), "rw")) {
            random.seek(3);
            random.write('X');
            random.seek(0);
            System.out.println(random.readLine() + random.getFilePointer());
        }
        Files.createDirectory(folder.resolve("sub"));
        Files.copy(file, folder.resolve("sub/b.txt"));
        try (Stream<Path> tree = Files.walk(folder)) {
            System.out.println(tree.map(p -> folder.relativize(p).toString()).sorted().toList());
        }
        System.out.println(file.toFile().isFile() + " " + file.toFile().length() + " " + Files.isDirectory(folder) + " " + file.toFile().canRead());
        try {
            Files.delete(folder);
        } catch (DirectoryNotEmptyException e) {
            System.out.println("not empty");
        }
        for (String name : List.of("sub/b.txt", "sub", "a.txt", "")) Files.delete(folder.resolve(name));
        System.out.println(Files.exists(folder));
        try {
            new FileInputStream("/nonexistent/x");
        } catch (FileNotFoundException e) {
            System.out.println(e.getMessage());
        }
        try {
            Files.readString(Path.of("/nonexistent/y"));
        } catch (NoSuchFileException e) {
            System.out.println(e);
        }
    }

    static void bytes() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
            for (int i = 0; i < 2000; i++) zip.write(("hello " + i % 10).getBytes());
        }
        try (GZIPInputStream zip = new GZIPInputStream(new ByteArrayInputStream(out.toByteArray()))) {
            System.out.println(new String(zip.readAllBytes()).hashCode() + " " + (out.size() < 2000));
        }
        out.reset();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry("x/y.txt"));
            zip.write("content".repeat(100).getBytes());
        }
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(out.toByteArray()))) {
            System.out.println(zip.getNextEntry().getName() + " " + new String(zip.readAllBytes()).length());
        }
        CRC32 crc = new CRC32();
        crc.update("abc".getBytes());
        System.out.println(Long.toHexString(crc.getValue()));
        out.reset();
        try (ObjectOutputStream objects = new ObjectOutputStream(out)) {
            objects.writeObject(new ArrayList<>(List.of("s", 1, 2.5, Map.of("k", "v"))));
        }
        System.out.println(new ObjectInputStream(new ByteArrayInputStream(out.toByteArray())).readObject());
        Properties properties = new Properties();
        properties.load(new StringReader("a=1\nb = two\\\n  three"));
        System.out.println(new TreeMap<>(properties));
    }

    public static void main(String[] args) throws Exception {
        collections();
        text();
        time();
        files();
        bytes();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) System.out.println("in: " + line);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        System.err.println("to the other stream");
        System.exit(3);
    }
}
