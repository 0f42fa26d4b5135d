import { expect, test } from 'vitest'
import { libraryPath } from './openjdk.ts'

test.each([
  ['usr/lib/jvm/java-17-openjdk-amd64/lib/modules', 'lib/modules'],
  ['usr/lib/jvm/java-17-openjdk-amd64/lib/tzdb.dat', 'lib/tzdb.dat'],
  ['usr/lib/jvm/java-17-openjdk-amd64/release', 'release'],
  ['etc/java-17-openjdk/security/java.security', 'conf/security/java.security'],
  [
    'etc/java-17-openjdk/security/policy/unlimited/default_US_export.policy',
    'conf/security/policy/unlimited/default_US_export.policy',
  ],
  ['etc/java-17-openjdk/security/blocked.certs', 'lib/security/blocked.certs'],
  ['etc/java-17-openjdk/net.properties', 'conf/net.properties'],
])('%s of the package is %s of java.home', (path, expected) => expect(libraryPath(path)).toBe(expected))

test.each([
  'usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so',
  'usr/lib/jvm/java-17-openjdk-amd64/bin/java',
  'usr/lib/jvm/java-17-openjdk-amd64/lib/server/classes.jsa',
  'usr/share/doc/openjdk-17-jre-headless/copyright',
  'etc/java-17-openjdk/jvm-amd64.cfg',
])('%s is left out', path => expect(libraryPath(path)).toBeUndefined())
