#!/bin/sh
# Installs, runs, upgrades, removes and purges a package in a fresh Debian root without systemd. As root:
#
#   packaging/test-lifecycle.sh dist/telemetryx_0.1.0_amd64.deb
#
# Needs debootstrap; takes Debian from the mirror that this machine uses (MIRROR= for another one).
set -eu
deb=$(realpath "$1")
mirror=${MIRROR:-$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\(http[^ ]*\) .* main.*/\2/p' \
  /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1)}
work=$(mktemp -d)
root=$work/root
gateway=
trap 'test -z "$gateway" || kill -9 "$gateway" 2>/dev/null || true; umount "$root/proc" 2>/dev/null || true; rm -rf "$work"' EXIT

fail() { echo "FAILED: $1" >&2; exit 1; }
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"; }
step() { echo "ok: $*"; }

debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/debootstrap.log" 2>&1 || { tail "$work/debootstrap.log"; fail debootstrap; }
mount -t proc proc "$root/proc"
cp "$deb" "$root/root/first.deb"
inside dpkg -i /root/first.deb >"$work/log" 2>&1 || { cat "$work/log"; fail 'it installs'; }
test "$(inside stat -c '%U:%G %a' /etc/telemetryx)" = 'root:telemetryx 770' || fail 'the owner of /etc/telemetryx'
test "$(inside stat -c '%U:%G %a' /var/lib/telemetryx)" = 'telemetryx:telemetryx 750' || fail 'the owner of the data'
inside telemetryx check /etc/telemetryx/gateway.yaml >/dev/null || fail 'the configuration that comes along'
for role in brain central; do
  inside telemetryx "$role" --check --config "/etc/telemetryx/$role.yaml" || fail "the configuration of $role that comes along"
  test -e "$root/usr/lib/systemd/system/telemetryx-$role.service" || fail "the unit of $role"
done
enabled=$(find "$root/etc/systemd/system" -name 'telemetryx-*' | sed 's,.*/,,' | sort -u)
test "$enabled" = telemetryx-gateway.service || fail "turned on: $enabled"
step installed

sed -i -e 's/^  factory: .*/  factory: Kept/' -e 's/^  port: 8080/  port: 0/' "$root/etc/telemetryx/gateway.yaml"
inside runuser -u telemetryx -- telemetryx gateway >"$work/out" 2>"$work/err" &
gateway=$!
tries=0
until grep -q '^Dashboard: ' "$work/out"; do
  tries=$((tries + 1))
  test "$tries" -lt 600 || { cat "$work/err"; fail 'it starts'; }
  sleep 0.1
done
node=$(inside cat /var/lib/telemetryx/telemetryx.pid)
kill -TERM "$node"
wait "$gateway" || fail 'it stops'
gateway=
test -s "$root/var/lib/telemetryx/telemetryx.db" || fail 'it stores'
step started and stopped

# A later version, which also brings another configuration along: the changed one stays.
dpkg-deb -R "$root/root/first.deb" "$work/next"
sed -i 's/^Version: .*/&.1/' "$work/next/DEBIAN/control"
echo '# new in this version' >>"$work/next/etc/telemetryx/gateway.yaml"
dpkg-deb -Zgzip -z1 --root-owner-group -b "$work/next" "$root/root/second.deb" >/dev/null
inside dpkg --force-confdef --force-confold -i /root/second.deb >"$work/log" 2>&1 || { cat "$work/log"; fail 'it upgrades'; }
grep -q 'factory: Kept' "$root/etc/telemetryx/gateway.yaml" || fail 'the upgrade keeps the configuration'
test -s "$root/var/lib/telemetryx/telemetryx.db" || fail 'the upgrade keeps the data'
step upgraded

inside dpkg -r telemetryx >"$work/log" 2>&1 || { cat "$work/log"; fail 'it can be removed'; }
test ! -e "$root/usr/lib/telemetryx" || fail 'the program is gone'
grep -q 'factory: Kept' "$root/etc/telemetryx/gateway.yaml" || fail 'a removal keeps the configuration'
test -s "$root/var/lib/telemetryx/telemetryx.db" || fail 'a removal keeps the data'
step removed

inside dpkg -P telemetryx >"$work/log" 2>&1 || { cat "$work/log"; fail 'it can be purged'; }
left=$(find "$root" -xdev -name '*telemetryx*' -not -path "$root/proc/*")
test -z "$left" || fail "left after the purge: $left"
if inside getent passwd telemetryx >/dev/null; then fail 'the user is gone'; fi
step purged
