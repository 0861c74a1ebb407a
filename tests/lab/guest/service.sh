# SPDX-License-Identifier: Apache-2.0
# lab: rootfs
# Scenario service: the Debian package under a real systemd. This part switches to a root with systemd, which runs
# service_checks.sh as a unit.

_root_disk() {
  for _path in /sys/block/vd*; do
    [ "$(cat "$_path/serial" 2>/dev/null)" = rcroot ] && LAB_ROOT=/dev/$(basename "$_path")
  done
  [ -b "$LAB_ROOT" ]
}
wait_until _root_disk || { fail "no root disk"; return 0; }
mkdir -p /newroot
mount -t ext4 "$LAB_ROOT" /newroot || { fail "cannot mount the root disk: $(dmesg | tail -n 1)"; return 0; }

mkdir -p /newroot/lab/bin
cp -r /lab/. /newroot/lab/
cp /bin/busybox /newroot/lab/bin/
for applet in wget nc awk paste ip; do ln -sf busybox "/newroot/lab/bin/$applet"; done # missing in a minimal Debian
cp /etc/lab.env /newroot/etc/lab.env
cat >/newroot/etc/systemd/system/lab.service <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /lab/service_checks.sh
UNIT
# Without udev no terminal device ever appears, so no getty must wait for one.
ln -sf /dev/null /newroot/etc/systemd/system/serial-getty@ttyS0.service
ln -sf /dev/null /newroot/etc/systemd/system/getty.target
mkdir -p /newroot/etc/systemd/system/default.target.wants
ln -sf ../lab.service /newroot/etc/systemd/system/default.target.wants/lab.service
ln -sf /lib/systemd/system/multi-user.target /newroot/etc/systemd/system/default.target
exec switch_root /newroot /lib/systemd/systemd
