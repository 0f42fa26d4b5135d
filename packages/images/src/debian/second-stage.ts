import { DEFAULT_MIRROR } from './mirror.ts'

/** Sources for apt in the guest: Debian's own archive with its updates, or only what a named mirror surely has. */
export function aptSources(mirror: string, suite: string): string {
  const stanza = (uri: string, suites: string): string =>
    `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`
  if (mirror !== DEFAULT_MIRROR) return stanza(mirror, suite)
  const security = mirror.replace(/debian$/, 'debian-security')
  return `${stanza(mirror, `${suite} ${suite}-updates`)}\n${stanza(security, `${suite}-security`)}`
}

/**
 * The second stage of a minimal Debian, for a machine that has the disk as /dev/vda and the packages in /debs: dpkg of
 * the disk itself installs what the first stage (bootstrap.ts) unpacked. base-passwd and base-files come first, since
 * everything else's files belong to users and lie in directories that they make.
 */
export const SECOND_STAGE = `set -e
mkdir -p /root-disk
mount -t ext4 -o noatime,nobarrier /dev/vda /root-disk
cd /root-disk
for folder in proc sys dev run debs; do mkdir -p $folder; done
for folder in proc sys dev debs; do mount --bind /$folder $folder; done
chroot . /bin/sh -e <<'END'
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C HOME=/root
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates
: >/var/lib/dpkg/status
dpkg --force-depends,unsafe-io --install /debs/base-passwd.deb /debs/base-files.deb
first='base-passwd base-files'
others=
for file in /debs/*.deb; do
  name=\${file##*/}
  case " $first " in *" \${name%.deb} "*) ;; *) others="$others $file" ;; esac
done
dpkg --force-depends,unsafe-io --unpack $others
dpkg --force-unsafe-io --configure --pending
dpkg --audit
END
for folder in debs dev sys proc; do umount /root-disk/$folder; done
rmdir debs
cd /
umount /root-disk
`
