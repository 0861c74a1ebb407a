# SPDX-License-Identifier: Apache-2.0
"""Tests of building the lab's kernel modules: type information, headers, the compiler wrapper.

lab_test.py runs them.
"""

import os
import pathlib
import struct
import subprocess
import tempfile
import unittest
from unittest import mock

import btf
import common
import headers
import testmodules


class Blob:
    """Writes BTF by hand; add() returns the number of the type."""

    def __init__(self):
        self.names = b"\0"
        self.types = b""
        self.count = 0

    def name(self, text):
        self.names += text.encode() + b"\0"
        return len(self.names) - len(text) - 1

    def add(self, kind, size, name="", tail=b"", vlen=0):
        self.types += struct.pack("<III", self.name(name) if name else 0, kind << 24 | vlen, size) + tail
        self.count += 1
        return self.count

    def structure(self, name, size, members, kind=btf.STRUCT):
        tail = b"".join(struct.pack("<III", self.name(m) if m else 0, t, at * 8) for m, t, at in members)
        return self.add(kind, size, name, tail, len(members))

    def finish(self):
        sizes = (0, len(self.types), len(self.types), len(self.names))
        return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, *sizes) + self.types + self.names


def sample():
    """A magazine as in 6.7, with a typedef, a forward declaration and an enumeration."""
    blob = Blob()
    number = blob.add(btf.INT, 8, "unsigned long", struct.pack("<I", 64))
    alias = blob.add(btf.TYPEDEF, number, "ulong")
    array = blob.add(btf.ARRAY, 0, tail=struct.pack("<III", number, number, 127))
    anonymous = blob.structure("", 8, [("size", alias, 0), ("next", alias, 0)], btf.UNION)
    values = struct.pack("<Ii", blob.name("E_ONE"), 1) + struct.pack("<Ii", blob.name("E_LESS"), -1)
    blob.add(btf.ENUM, 4, "e", values, 2)
    blob.structure("iova_magazine", 1024, [("", blob.add(btf.CONST, anonymous), 0), ("pfns", array, 8)])
    return btf.Btf(blob.finish())


class TypeInformation(unittest.TestCase):
    def test_members_of_anonymous_members(self):
        types = sample()
        self.assertEqual(types.size("iova_magazine"), 1024)
        self.assertEqual(types.member("iova_magazine", "next"), (0, None))
        self.assertEqual(types.member("iova_magazine", "pfns"), (8, 127))
        self.assertIsNone(types.member("iova_magazine", "absent"))
        self.assertIsNone(types.member("absent", "x"))
        self.assertIsNone(types.size("absent"))

    def test_enumerators(self):
        self.assertEqual([sample().enumerator(name) for name in ("E_ONE", "E_LESS", "E_NONE")], [1, -1, None])

    def test_missing_members_are_reported(self):
        with self.assertRaisesRegex(common.LabError, "iova_cpu_rcache.lock"):
            btf.offsets(sample())

    def test_an_unknown_kind_is_an_error(self):
        blob = Blob()
        blob.add(25, 0)
        with self.assertRaisesRegex(common.LabError, "kind 25"):
            btf.Btf(blob.finish())

    def test_section_of_an_elf_file(self):
        names = b"\0.BTF\0.names\0"
        image = b"\x7fELF\x02\x01".ljust(0x28, b"\0") + struct.pack("<Q", 64) + bytes(10)
        image += struct.pack("<HHH", 64, 2, 1)
        body = 64 + 2 * 64
        image += struct.pack("<IIQQQQ", 1, 1, 0, 0, body, 5).ljust(64, b"\0")
        image += struct.pack("<IIQQQQ", 6, 3, 0, 0, body + 5, len(names)).ljust(64, b"\0")
        image += b"bytes" + names
        self.assertEqual(btf.section(image, ".BTF"), b"bytes")
        with self.assertRaisesRegex(common.LabError, ".other"):
            btf.section(image, ".other")
        with self.assertRaises(common.LabError):
            btf.section(b"no ELF file", ".BTF")


class FakeApt:
    """Packages as {name: (versions, depends)}."""

    def __init__(self, packages):
        self.packages = packages

    def versions(self, name):
        return [(version, "suite") for version in self.packages.get(name, ((), ""))[0]]

    def show(self, name, _):
        return {"Depends": self.packages[name][1]}


SUITE = {
    "linux-headers-6.1.0-9-amd64": (["6.1.9-1"],
                                    "linux-headers-6.1.0-9-common (= 6.1.9-1), linux-kbuild-6.1 (>= 6), gcc"),
    "linux-headers-6.1.0-9-common": (["6.1.10-1", "6.1.9-1"], ""),
    "linux-kbuild-6.1": (["6.1.8-1"], "libc6 (>= 2.38), libelf1t64 (>= 0.1) | libelf1, libssl3 (>= 3), pahole:any"),
    "libc6": (["2.40"], "libgcc-s1"), "libgcc-s1": (["15"], "gcc-15-base, libc6"), "libelf1t64": (["0.19"], "zlib1g"),
    "zlib1g": (["1.3"], ""), "libssl3": (["3"], ""), "pahole": (["1"], ""),
}


class Headers(unittest.TestCase):
    def test_the_exact_version(self):
        apt = FakeApt(SUITE)
        self.assertEqual(headers.header_packages(apt, "6.1.0-9-amd64", "6.1.9-1"),
                         [("linux-headers-6.1.0-9-amd64", "6.1.9-1"), ("linux-headers-6.1.0-9-common", "6.1.9-1"),
                          ("linux-kbuild-6.1", "6.1.8-1")])
        self.assertIsNone(headers.header_packages(apt, "6.1.0-9-amd64", "6.1.8-1"))
        self.assertIsNone(headers.header_packages(apt, "6.1.0-8-amd64", "6.1.8-1"))

    def test_libraries_of_the_tools(self):
        self.assertEqual(headers.runtime_packages(FakeApt(SUITE), "linux-kbuild-6.1", "6.1.8-1"),
                         [("libc6", "2.40"), ("libelf1t64", "0.19"), ("libgcc-s1", "15"), ("zlib1g", "1.3")])

    def test_paths_point_into_the_tree(self):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            folder = root / "usr/src/linux-headers-1"
            folder.mkdir(parents=True)
            (folder / "Makefile").write_text("KBUILD_OUTPUT=/usr/src/a\ninclude /usr/src/b/Makefile\nx /y/usr/src/c\n")
            (folder / "vmlinux").write_bytes(b"")
            headers.prepare(root, pathlib.Path("/final"))
            self.assertEqual((folder / "Makefile").read_text(), "KBUILD_OUTPUT=/final/usr/src/a\n"
                             "include /final/usr/src/b/Makefile\nx /y/usr/src/c\n")
            self.assertFalse((folder / "vmlinux").exists())

    def test_a_wrapped_tool_runs_with_the_other_loader(self):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path in ("runtime/lib64/" + headers.LOADER, "runtime/lib/libc.so.6", "tool"):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text('#!/bin/sh\necho "$@"\n')
                (root / path).chmod(0o755)
            headers.wrap(root / "tool", root / "runtime", root)
            said = subprocess.run([str(root / "tool"), "a b"], text=True, capture_output=True, check=True).stdout
            self.assertEqual(said, f"--library-path {root}/runtime/lib {root}/tool.wrapped a b\n")

    def test_a_kernel_without_headers_is_replaced(self):
        for answers, fails in (([True], False), ([False, True], False), ([False, False], True)):
            with tempfile.TemporaryDirectory() as name, mock.patch.dict(os.environ, {"RCACHED_LAB_CACHE": name}), \
                    mock.patch.object(headers.kernels, "ensure", return_value=pathlib.Path("/k")) as ensure, \
                    mock.patch.object(headers.kernels, "release", return_value="6.1.0-9-amd64"), \
                    mock.patch.object(headers, "install", side_effect=answers):
                if fails:
                    with self.assertRaisesRegex(common.LabError, "6.1.0-9-amd64"):
                        headers.ensure("6.1")
                else:
                    self.assertEqual(headers.ensure("6.1"), pathlib.Path("/k"))
                self.assertEqual(mock.call("6.1", refresh=True) in ensure.mock_calls, len(answers) == 2)


class Modules(unittest.TestCase):
    def test_only_scenarios_that_request_them(self):
        self.assertTrue(testmodules.wanted("# SPDX\n# lab: modules\n"))
        for text in ("# SPDX\n", "echo '# lab: modules'\n", "# lab: modulesx\n"):
            self.assertFalse(testmodules.wanted(text), text)

    def test_the_digest_covers_sources_and_release(self):
        one = testmodules.digest({"a.c": b"1", "b.c": b"2"}, "6.1")
        self.assertEqual(one, testmodules.digest({"b.c": b"2", "a.c": b"1"}, "6.1"))
        self.assertNotEqual(one, testmodules.digest({"a.c": b"1", "b.c": b"3"}, "6.1"))
        self.assertNotEqual(one, testmodules.digest({"a.c": b"1", "b.c": b"2"}, "6.2"))

    def test_all_sources_are_included(self):
        self.assertLessEqual({"Kbuild", "cc", "btf.py", "oracle.c", "exerciser.h"}, set(testmodules.read_sources()))

    def test_build_errors(self):
        self.assertEqual(testmodules.build_errors("CC a\na.c:1: error: no\nmake: *** x\n"), "a.c:1: error: no")
        self.assertEqual(testmodules.build_errors("something else"), "something else")

    def test_unknown_compiler_options_are_removed(self):
        gcc = ('#!/bin/sh\nfor a; do case $a in -fnew*) bad=1\n'
               'echo "gcc: error: unrecognized command-line option \'$a\'; did you mean \'-fold\'?" >&2;; esac; done\n'
               '[ -z "$bad" ] && echo "$@"\n')
        with tempfile.TemporaryDirectory() as name:
            (pathlib.Path(name) / "gcc").write_text(gcc)
            (pathlib.Path(name) / "gcc").chmod(0o755)
            environment = {"PATH": f"{name}:{os.environ['PATH']}", "TMPDIR": name}

            def call(*words):
                return subprocess.run([str(testmodules.SOURCES / "cc"), *words], env=environment, text=True,
                                      capture_output=True, check=False)

            self.assertEqual(call("-c", "-fnew=1", "-DX=a b", "-fnewer", "a.c").stdout, "-c -DX=a b a.c\n")
            self.assertNotEqual(call("-fnew=1", "-c", "/dev/null").returncode, 0, "Kbuild's option tests must fail")
            self.assertEqual(sorted(os.listdir(name)), ["gcc"])
