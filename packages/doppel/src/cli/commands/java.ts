import { runJava } from '../../java/run-java.ts'
import type { Command } from '../command.ts'

/** `doppel java`: takes `java`'s own command line, so its words are not read against a table. */
const javaCommand: Command = {
  name: 'java',
  summary: 'run a Java program on OpenJDK’s own library, compiled to WebAssembly',
  usage: '[-cp PATH] [-D…] [-Xmx…] [-Xss…] [-ea] CLASS [ARGUMENTS] | -jar FILE [ARGUMENTS]',
  minArguments: 0,
  maxArguments: 0,
  flags: [],
  examples: [
    ['doppel java -cp classes Main', 'a class and its arguments, as java takes them'],
    ['doppel java -jar app.jar', 'the main class of a jar'],
    ['doppel java --timeout 5 -cp . Loop', 'end it after five seconds'],
    ['doppel java --files data --network none -jar app.jar', 'it sees one folder and no network'],
    ['doppel java --publish 8080:80 --allow 10.0.0.7:5432 -jar web.jar', 'a port shown here, a database reached'],
  ],
  runWords: (words, env, streams) => runJava(words, env, streams),
  run: () => Promise.resolve(0),
}

/** `doppel javac`: the compiler of the library, compiled and run by this machine. */
const javacCommand: Command = {
  name: 'javac',
  summary: 'compile Java programs with OpenJDK’s own compiler, run here',
  usage: '[OPTIONS] FILES',
  minArguments: 0,
  maxArguments: 0,
  flags: [],
  examples: [['doppel javac -d classes Main.java', 'compile a source file']],
  runWords: (words, env, streams) => runJava(['com.sun.tools.javac.Main', ...words], env, streams),
  run: () => Promise.resolve(0),
}

/** The commands that take a Java tool's own command line. */
export const JAVA_COMMANDS: readonly Command[] = [javaCommand, javacCommand]
