#!/bin/busybox sh
# The first process of dom0: devices, modules, XenStore, consoles; then the agent, and when that ends, dom0 ends.
export PATH=/usr/bin:/usr/sbin:/usr/lib/xen/bin HOME=/root TERM=linux
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
ln -s /proc/self/fd /dev/fd
mkdir -p /var/log/xen/console /run/xen /run/xenstored /run/lock /var/lib/xenstored
ln -s /run /var/run
hostname dom0
ip link set lo up 2>/dev/null

for module in xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs loop xen-blkback crc32c_generic ext4; do
  modprobe $module || echo "lab: module $module cannot be loaded"
done
mount -t xenfs xenfs /proc/xen

case " $(cat /proc/cmdline) " in
*' lab.xenstored=split-driver '*)
  # It says one line when it serves. Without a XenStore nothing here gets any further.
  mkfifo /run/xenstored/ready
  split-driver xenstored --pid-file /run/xen/xenstored.pid --log /var/log/xen/xenstored.log \
    >/run/xenstored/ready 2>/dev/hvc0 &
  read -r ready </run/xenstored/ready || poweroff -f
  ;;
*) xenstored --pid-file /run/xen/xenstored.pid ;;
esac
xen-init-dom0
xenconsoled --log=guest --log-dir=/var/log/xen/console --pid-file /run/xen/xenconsoled.pid

stty -F /dev/ttyS1 115200 raw -echo
node /split-driver/lab/dist/src/dom0/agent.js </dev/ttyS1 >/dev/ttyS1 2>/dev/hvc0
sync
poweroff -f
