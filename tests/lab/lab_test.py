#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the lab's pure parts: apt sources, package choice, the cpio writer, serial lines, the live table."""

import argparse
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import apt
import common
import guest
import initramfs
import kernels
import lab
import live
import matrix
import modules_test
import qemu
import rootfs

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /key.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://vendor.test/apt
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
"""


class Sources(unittest.TestCase):
    def test_one_line_format(self):
        found = apt.parse_one_line("# deb http://no.test x main\ndeb-src http://no.test x main\n"
                                   "deb [arch=amd64 signed-by=/k.gpg] http://a.test/debian sid main contrib # why\n")
        self.assertEqual([(s.uri, s.suites, s.components, s.signed_by) for s in found],
                         [("http://a.test/debian", ["sid"], ["main", "contrib"], "/k.gpg")])

    def test_deb822_format(self):
        found = apt.parse_deb822(DEB822)
        self.assertEqual([s.uri for s in found], ["http://mirror.test/debian", "http://mirror.test/debian-security",
                                                  "http://vendor.test/apt"])
        self.assertEqual(found[0].suites, ["bookworm", "bookworm-updates"])
        self.assertEqual(found[0].components, ["main", "contrib"])
        self.assertEqual(found[0].signed_by, "/key.gpg")
        self.assertIsNone(found[2].signed_by)

    def test_other_suites_come_from_the_machines_mirror(self):
        lines = apt.source_lines(["bullseye", "bullseye-security"], reversed(apt.parse_deb822(DEB822)))
        self.assertEqual([line.split("] ")[1] for line in lines],
                         ["http://mirror.test/debian bullseye main",
                          "http://mirror.test/debian-security bullseye-security main"])

    def test_no_debian_source_gives_no_line(self):
        self.assertEqual(apt.source_lines(["sid"], apt.parse_one_line("deb http://v.test/x stable stable")), [])

    def test_reads_both_formats_from_a_folder(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "sources.list.d").mkdir()
            (folder / "sources.list").write_text("deb http://a.test/debian sid main\n")
            (folder / "sources.list.d/b.sources").write_text(DEB822)
            (folder / "sources.list.d/c.list.disabled").write_text("deb http://c.test/debian sid main\n")
            self.assertEqual(len(apt.machine_sources(folder)), 4)


class Packages(unittest.TestCase):
    def test_versions_sort_as_debian_does(self):
        order = ["6.1.9-1", "6.1.10-1~bpo11+1", "6.1.10-1", "6.1.10-1+b1", "6.1.10-2", "7.0~rc1-1", "7.0-1", "1:1.0-1"]
        self.assertEqual(sorted(reversed(order), key=apt.version_key), order)

    def test_only_the_standard_flavour_of_the_series(self):
        pattern = kernels.image_pattern("6.1")
        for name in ("linux-image-6.1.0-50-amd64", "linux-image-6.1.0-0.deb11.9-amd64-unsigned"):
            self.assertTrue(pattern.match(name), name)
        for name in ("linux-image-6.1.0-50-cloud-amd64", "linux-image-6.1.0-50-rt-amd64", "linux-image-6.1-amd64",
                     "linux-image-6.12.1+deb12-amd64", "linux-image-6.1.0-50-amd64-dbg"):
            self.assertFalse(pattern.match(name), name)
        self.assertTrue(kernels.image_pattern("7.2").match("linux-image-7.2.13+deb14-amd64"))

    def test_a_split_image_is_followed(self):
        apt_ = mock.Mock()
        apt_.show.return_value = {"Depends": "linux-binary-7.2-amd64 (= 7.2-1), linux-modules-7.2-amd64 (= 7.2-1)"}
        self.assertEqual(kernels.parts_of(apt_, "linux-image-7.2-amd64", "7.2-1"),
                         [("linux-binary-7.2-amd64", "7.2-1"), ("linux-modules-7.2-amd64", "7.2-1")])
        apt_.show.return_value = {"Depends": "kmod, linux-base"}
        self.assertEqual(kernels.parts_of(apt_, "a", "1"), [("a", "1")])

    def test_vmlinux_is_cut_out_of_a_bzimage(self):
        payload = kernels.lzma.compress(b"\x7fELF kernel") + struct.pack("<I", 11)
        image = bytearray(3 * 512 + 64) + payload
        image[0x1F1] = 2
        image[0x202:0x206] = b"HdrS"
        struct.pack_into("<II", image, 0x248, 64, len(payload))
        self.assertEqual(kernels.extract_vmlinux(bytes(image)), b"\x7fELF kernel")
        with self.assertRaises(common.LabError):
            kernels.extract_vmlinux(bytes(4096))

    def test_the_root_uses_the_release_that_built_the_package(self):
        with tempfile.NamedTemporaryFile("w", suffix="os-release") as file:
            file.write('NAME="Debian GNU/Linux"\nVERSION_CODENAME=trixie\nID=debian\n')
            file.flush()
            self.assertEqual(rootfs.release(file.name), "trixie")
            file.truncate(0)
            with self.assertRaisesRegex(common.LabError, "no Debian release"):
                rootfs.release(file.name)


class Archive(unittest.TestCase):
    def test_cpio_reads_what_was_written(self):
        archive = initramfs.Cpio()
        archive.file("a/b/odd", b"12345", 0o755)
        archive.file("a/b/odd", b"a second one is ignored")
        archive.link("a/link", "b/odd")
        archive.file("empty", b"")
        archive.char_device("dev/console", 5, 1)
        listing = subprocess.run(["cpio", "-itv", "--quiet"], input=archive.finish(), capture_output=True, check=True)
        lines = [line.split() for line in listing.stdout.decode().splitlines()]
        self.assertEqual([(line[0], line[-1]) for line in lines],
                         [("drwxr-xr-x", "a"), ("drwxr-xr-x", "a/b"), ("-rwxr-xr-x", "a/b/odd"),
                          ("lrwxrwxrwx", "b/odd"), ("-rw-r--r--", "empty"), ("drwxr-xr-x", "dev"),
                          ("crw-------", "dev/console")])
        self.assertEqual(lines[2][4], "5")
        self.assertEqual(lines[-1][4:6], ["5,", "1"])
        self.assertIn("/a/b", archive)

    def test_ldd_output(self):
        self.assertEqual(initramfs.parse_ldd("\tlinux-vdso.so.1 (0x7)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x7f)\n"
                                             "\t/lib64/ld.so.2 (0x7f)\n"), ["/lib/x/libc.so.6", "/lib64/ld.so.2"])
        with self.assertRaisesRegex(common.LabError, "libx.so"):
            initramfs.parse_ldd("\tlibx.so => not found\n")

    def test_modules_once_and_in_order(self):
        with tempfile.TemporaryDirectory() as name:
            (pathlib.Path(name) / "modules.dep").write_text("nvme: a.ko b.ko nvme.ko\nvirtio_blk: b.ko v.ko\n")
            self.assertEqual(initramfs.module_order(pathlib.Path(name), ["virtio_blk", "absent", "nvme"]),
                             ["b.ko", "v.ko", "a.ko", "nvme.ko"])


class Serial(unittest.TestCase):
    def test_lines_are_cut_across_reads(self):
        buffer = guest.LineBuffer()
        self.assertEqual(buffer.feed(b"LAB: PA"), [])
        self.assertEqual(buffer.feed(b"SS one\r\nrest"), ["LAB: PASS one"])

    def test_verdict_lines(self):
        self.assertEqual(guest.parse_verdict("LAB: PASS a b"), ("PASS", "a b"))
        self.assertEqual(guest.parse_verdict("LAB: DONE"), ("DONE", ""))
        for line in ("LAB: PASSED x", " LAB: PASS x", "echo LAB: PASS", "LAB: pass"):
            self.assertIsNone(guest.parse_verdict(line), line)

    def test_kernel_trouble(self):
        for line in ("[  1.0] BUG: kernel NULL pointer dereference, address: 0", "[ 1.0] Oops: 0002 [#1] SMP",
                     "[ 1.0] Kernel panic - not syncing: x",
                     "[ 1.0] INFO: task dd:12 blocked for more than 120 seconds.",
                     "[ 1.0] watchdog: BUG: soft lockup - CPU#0 stuck", "[ 1.0] general protection fault, probably for",
                     "[ 1.0] rcu: INFO: rcu_sched detected stalls on CPUs/tasks"):
            self.assertTrue(guest.trouble(line), line)
        for line in ("[ 1.0] nvme nvme0: pci function 0000:00:02.0", "[ 1.0] debug: fine", "Oopsie", ""):
            self.assertFalse(guest.trouble(line), line)

    def test_a_clock_that_runs_too_fast(self):
        guest.check_clock("LAB: INFO booted 7.2.13 in 9 s", 8.1)
        guest.check_clock("LAB: INFO booted 7.2.13 in 3 s", 60.0)  # slow is not wrong
        guest.check_clock("LAB: INFO 9 booted x in 99 s", 8.1)
        with self.assertRaisesRegex(guest.WrongClock, "73 s since it booted, 14 s on this machine"):
            guest.check_clock("LAB: INFO booted 7.2.13+deb14-amd64 in 73 s", 14.2)

    def test_conditions_of_a_pass(self):
        def judge(*lines):
            verdicts = lab.Verdicts()
            for channel, line in lines:
                verdicts.see(channel, line)
            return verdicts.good

        passed, failed, done = ("lab", "LAB: PASS x"), ("lab", "LAB: FAIL x"), ("lab", "LAB: DONE")
        self.assertTrue(judge(passed, done))
        self.assertFalse(judge(done))
        self.assertFalse(judge(passed))
        self.assertFalse(judge(passed, failed, done))
        self.assertFalse(judge(passed, ("console", "[ 1.0] BUG: x"), done))
        self.assertFalse(judge(passed, ("console", "LAB: DONE")), "the kernel's console cannot say DONE")


class CommandLine(unittest.TestCase):
    def test_kernel_lines(self):
        self.assertIn("intel_iommu=on,strict", qemu.kernel_line("5.10", "intel", "strict"))
        self.assertIn("amd_iommu=fullflush", qemu.kernel_line("5.10", "amd", "strict"))
        self.assertIn("intel_iommu=on iommu", qemu.kernel_line("6.1", "intel", "lazy") + " iommu")
        self.assertIn("iommu.strict=0", qemu.kernel_line("6.1", "intel", "lazy"))
        self.assertIn("iommu.strict=1", qemu.kernel_line("6.1", "intel", "strict"))

    def test_a_scenario_adds_to_the_kernel_line(self):
        more = qemu.cmdline_of("# SPDX\n# lab: modules\n# lab: cmdline isolcpus=2,3 nohz_full=2,3\n# Text\n")
        self.assertEqual(more, "isolcpus=2,3 nohz_full=2,3")
        line = qemu.kernel_line("6.1", "intel", "lazy", more)
        self.assertTrue(line.endswith("intel_iommu=on isolcpus=2,3 nohz_full=2,3"))
        for text in ("# SPDX\n", "echo '# lab: cmdline x'\n", "# lab: cmdlines x\n"):
            self.assertEqual(qemu.cmdline_of(text), "")

    def test_unsupported_combinations(self):
        for series, iommu, mode in (("6.1", "virtio", "lazy"), ("6.1", "amd", "lazy")):
            with self.assertRaises(common.LabError):
                qemu.check(series, iommu, mode)

    def test_the_network_is_isolated(self):
        def netdev(port):
            words = qemu.command("6.1", "intel", "lazy", 2, "1G", "k", "i", "c", port)
            return words[words.index("-netdev") + 1]

        self.assertIn("restrict=on", netdev(None))
        self.assertNotIn("hostfwd", netdev(None))
        self.assertIn("hostfwd=tcp:127.0.0.1:80-:9731", netdev(80))

    def test_matrix_spec(self):
        spec = matrix.parse_spec("smoke@6.1/intel/strict/4")
        self.assertEqual([spec[part] for part in ("scenario", "kernel", "mode", "cpus")],
                         ["smoke", "6.1", "strict", "4"])
        for text in ("smoke", "smoke@6.1", "smoke@6.1/intel/hasty", "smoke@4.4/intel/lazy"):
            with self.assertRaises(argparse.ArgumentTypeError):
                matrix.parse_spec(text)

    def test_a_command_with_guests(self):
        options = lab.parse_arguments(["with", "--binary", "x", "--guest", "6.1/intel/lazy", "--guest",
                                       "6.12/intel/strict/4", "--", "sh", "-c", "true --once"])
        self.assertEqual([spec["kernel"] for spec in options.guests], ["6.1", "6.12"])
        self.assertEqual(options.guests[1]["cpus"], "4")
        self.assertEqual(options.command_words, ["--", "sh", "-c", "true --once"])
        self.assertEqual(options.scenario, "run")
        other = lab.parse_arguments(["with", "--scenario", "alertload", "--guest", "6.1/intel/lazy", "--", "true"])
        self.assertTrue(common.scenario_file(other.scenario).is_file())
        with self.assertRaises(common.LabError):
            lab.command_with(lab.parse_arguments(["with", "--guest", "6.1/intel/lazy", "--", "true"]))
        with self.assertRaises(common.LabError):
            lab.command_with(lab.parse_arguments(["with", "--binary", sys.executable, "--guest", "6.1/intel/lazy"]))

    def test_default_mode_follows_the_iommu(self):
        self.assertEqual(lab.parse_arguments(["test", "smoke"]).mode, "lazy")
        self.assertEqual(lab.parse_arguments(["test", "--iommu", "amd", "smoke"]).mode, "strict")

    def test_cache_folder(self):
        with mock.patch.dict(os.environ, {"RCACHED_LAB_CACHE": "/c", "XDG_CACHE_HOME": "/x"}):
            self.assertEqual(str(common.cache_root()), "/c")
        with mock.patch.dict(os.environ, {"RCACHED_LAB_CACHE": "", "XDG_CACHE_HOME": "/x"}):
            self.assertEqual(str(common.cache_root()), "/x/rcached/lab")

    def test_a_port_in_use_is_reported(self):
        with lab.socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with self.assertRaisesRegex(common.LabError, f"port {port} .*--port"):
                lab.check_port(port)


METRICS = """\
# HELP iova_tree_ranges Ranges in the tree.
iova_domain_info{domain="10",type="DMA-FQ",devices="a,b",driver="nvme",granule="4096"} 1
iova_rcache_cpu_cached{domain="10",order="0"} 100
iova_rcache_cpu_cached{domain="10",order="1"} 27
iova_rcache_cpu_capacity{domain="10",order="1"} 9
iova_tree_ranges{domain="10"} 1.32e+02
iova_outstanding_ranges{domain="2"} NaNsense
iova_allocations_total{domain="2",order="0"} 500
iova_outstanding_ranges{domain="2"} 5
rcached_events_total 7
"""


class Table(unittest.TestCase):
    def test_sums_by_domain(self):
        known = live.domains(live.parse(METRICS))
        self.assertEqual(known["10"]["cached"], 127)
        self.assertEqual(known["10"]["tree"], 132)
        self.assertEqual(set(known), {"2", "10"})

    def test_rates_and_gaps(self):
        now = live.domains(live.parse(METRICS))
        before = {"2": {"allocations": 300}}
        self.assertEqual(live.rows(now, before, 2.0),
                         [["2", "-", "-", "5", "-", "-", "-", "100"],
                          ["10", "DMA-FQ", "a,b", "-", "127", "-", "132", "-"]])

    def test_alignment_and_long_cells(self):
        text = live.render([["a", "9"], ["x" * 50, "10"]], ("name", "n"), left=1, widest=10)
        self.assertEqual(text.splitlines(), ["name         n", "a            9", "xxxxxxx...  10"])

    def test_escaped_labels(self):
        self.assertEqual(live.parse('m{a="x\\"},y",b="2"} 3'), [("m", {"a": 'x\\"},y', "b": "2"}, 3.0)])


def load_tests(loader, tests, _):
    tests.addTests(loader.loadTestsFromModule(modules_test))
    return tests


if __name__ == "__main__":
    unittest.main()
