# SPDX-License-Identifier: Apache-2.0
"""The QEMU command line of a lab guest. Pure: values in, a list of words out.

The guest has two NVMe controllers (serial rcfast; serial rcslow completes after 0.3 s, so that hundreds of requests
are in flight at once), a virtio disk and a NIC, all behind the IOMMU. Its network only reaches the echo service of
QEMU; optionally, its port 9731 is forwarded to loopback on this machine.
"""

import re

from common import LabError

IOMMUS = ("intel", "amd", "virtio")
MODES = ("lazy", "strict")
GUEST_PORT = 9731
# One host thread for all CPUs of a guest. With one each, QEMU before 8.1 can translate an instruction while the guest's
# kernel patches it, and keep the temporary breakpoint: "Oops: int3" when probes are attached or detached.
THREADS = ("single", "multi")
DISK_BYTES = 1 << 30
SLOW_NANOSECONDS = 300_000_000
# virtio-iommu first: a device that is probed before its IOMMU stays untranslated.
MODULES = ["virtio_iommu", "virtio_pci", "nvme", "virtio_blk", "e1000e"]
ROOT_MODULES = ["ext4"]
CMDLINE = re.compile(r"^# lab: cmdline (.+)$", re.M)


def check(series, iommu, mode):
    """Raises for an unsupported combination."""
    if iommu == "virtio" and series in ("5.10", "6.1"):
        raise LabError(f"kernel {series} has no virtio-iommu driver; use --kernel 6.12 or --iommu intel")
    if iommu == "amd" and mode == "lazy" and series != "5.10":
        raise LabError("an emulated AMD IOMMU forces strict mode from 6.1 on; use --mode strict or --iommu intel")


def kernel_line(series, iommu, mode, more=""):
    words = ["console=ttyS0", "quiet", "mitigations=off", "panic=-1", "tsc=reliable", "no_timer_check",
             "iommu.passthrough=0", f"iommu.strict={int(mode == 'strict')}", "audit=0",
             "ipv6.disable=1", "rdinit=/init",
             # A guest on a busy machine is slow, not stuck.
             "rcupdate.rcu_cpu_stall_timeout=300", "watchdog_thresh=60", "sysctl.kernel.hung_task_timeout_secs=600"]
    if iommu == "intel":
        old_strict = series == "5.10" and mode == "strict"
        words.append("intel_iommu=on,strict" if old_strict else "intel_iommu=on")
    elif iommu == "amd" and series == "5.10" and mode == "strict":
        words.append("amd_iommu=fullflush")  # it ignores iommu.strict
    return " ".join(words + more.split())


def cmdline_of(scenario):
    """What the text of a scenario adds to the kernel's command line: its line `# lab: cmdline WORDS`."""
    found = CMDLINE.search(scenario)
    return found[1].strip() if found else ""


def iommu_device(iommu):
    return {"intel": "intel-iommu,intremap=on", "amd": "amd-iommu,intremap=on", "virtio": "virtio-iommu-pci"}[iommu]


def command(series, iommu, mode, cpus, memory, vmlinux, initrd, console, port=None, threads="single", root=None,
            cmdline=""):
    """The command line. `root`: a disk image for scenarios that boot one. `initrd` and `console`: paths that QEMU
    opens; the protocol channel is its stdout. `cmdline`: added to that of the kernel."""
    check(series, iommu, mode)
    virtio = "iommu_platform=on,disable-legacy=on,disable-modern=off"
    network = "user,id=net,restrict=on,guestfwd=tcp:10.0.2.100:7-cmd:cat"
    # A guest's writes to its root are discarded.
    disks = [] if root is None else ["-drive", f"if=none,id=root,format=raw,snapshot=on,file={root}",
                                     "-device", f"virtio-blk-pci,drive=root,serial=rcroot,{virtio}"]
    if port is not None:
        network += f",hostfwd=tcp:127.0.0.1:{port}-:{GUEST_PORT}"
    return [
        "qemu-system-x86_64", "-accel", f"tcg,thread={threads},tb-size=256", "-cpu", "max",
        "-M", "q35,kernel-irqchip=split", "-m", memory, "-smp", str(cpus), "-nographic", "-no-reboot", "-nodefaults",
        "-monitor", "none",
        "-chardev", f"file,id=console,path={console}", "-serial", "chardev:console", "-serial", "stdio",
        "-device", iommu_device(iommu),
        "-blockdev", f"null-co,node-name=fast,size={DISK_BYTES}",
        "-blockdev", f"null-co,node-name=slow,size={DISK_BYTES},latency-ns={SLOW_NANOSECONDS}",
        "-blockdev", f"null-co,node-name=disk,size={DISK_BYTES}",
        "-device", "nvme,drive=fast,serial=rcfast", "-device", "nvme,drive=slow,serial=rcslow",
        "-device", f"virtio-blk-pci,drive=disk,{virtio}", *disks,
        # Not virtio-net: on QEMU 10.0 it stops receiving after a few connections.
        "-netdev", network, "-device", "e1000e,netdev=net,romfile=",
        "-kernel", str(vmlinux), "-initrd", initrd, "-append", kernel_line(series, iommu, mode, cmdline),
    ]
