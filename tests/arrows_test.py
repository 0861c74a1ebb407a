#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every #include follows tests/arrows.txt, and ARCHITECTURE.md shows that list.

    tests/arrows_test.py           the tests
    tests/arrows_test.py --write   writes the list into ARCHITECTURE.md
"""
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/arrows.txt"
PAGE = ROOT / "ARCHITECTURE.md"
MARKS = ("<!-- arrows:begin -->\n", "<!-- arrows:end -->")
TEST = re.compile(r"_test\.cc$|/testing/|(^|/)bench\.cc$")
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')


def read_arrows(text):
    """{folder: the folders it may include}"""
    rows = [line.split(":") for line in text.splitlines() if line and not line.startswith("#")]
    return {folder.strip(): allowed.split() for folder, allowed in rows}


def folder_of(path, folders):
    """The folder of the list that a file belongs to, or None."""
    return max((folder for folder in folders if path.startswith(folder + "/")), key=len, default=None)


def wrong_includes(path, text, arrows):
    """["FILE:LINE: problem"] of one file. Includes without a folder are in the file's own folder, or system headers."""
    folder = folder_of(path, arrows)
    if folder is None:
        return [f"{path}:1: is in no folder of tests/arrows.txt"]
    allowed = [folder, *arrows[folder], *(["tests/kit", "daemon/testing"] if TEST.search(path) else [])]
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match and "/" in match[1] and not any(match[1].startswith(other + "/") for other in allowed):
            found.append(f"{path}:{number}: {folder} may not include {match[1]} "
                         f"(only {', '.join(arrows[folder]) or 'itself'}; tests/arrows.txt)")
    return found


def cycles(arrows):
    """Folders that depend on themselves."""
    def reach(folder, seen):
        for other in arrows:
            if any(other == part or other.startswith(part + "/") for part in arrows[folder]) and other not in seen:
                seen.add(other)
                reach(other, seen)
        return seen
    return [folder for folder in arrows if folder in reach(folder, set()) and folder not in arrows[folder]
            and not any(folder.startswith(part + "/") for part in arrows[folder])]


def table(arrows):
    """The list as a table in Markdown."""
    rows = [f"| `{folder}` | {', '.join(f'`{other}`' for other in allowed) or 'nothing'} |\n"
            for folder, allowed in arrows.items()]
    return "| folder | may include |\n|---|---|\n" + "".join(rows)


def page_with(text, arrows):
    """ARCHITECTURE.md with that table between its markers."""
    before, rest = text.split(MARKS[0])
    return before + MARKS[0] + table(arrows) + MARKS[1] + rest.split(MARKS[1])[1]


class Arrows(unittest.TestCase):
    def setUp(self):
        self.arrows = read_arrows(LIST.read_text())

    def test_every_include_is_allowed(self):
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.h", "*.cc", "*.c"], cwd=ROOT,
                                stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        paths = [path for path in listed if not path.startswith("tests/") and (ROOT / path).exists()]
        self.assertGreater(len(paths), 200)
        found = [line for path in paths for line in wrong_includes(path, (ROOT / path).read_text(), self.arrows)]
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_the_list_has_no_cycle(self):
        self.assertEqual(cycles(self.arrows), [])
        for folder, allowed in self.arrows.items():
            for other in allowed:
                self.assertTrue((ROOT / other).is_dir(), f"{folder}: {other}")

    def test_the_architecture_page_shows_the_list(self):
        text = PAGE.read_text()
        self.assertEqual(text, page_with(text, self.arrows), "run tests/arrows_test.py --write")

    def test_wrong_includes_are_found(self):
        arrows = {"base": [], "view": ["base"], "daemon/host": ["base"], "daemon/command": ["daemon", "view"]}
        for path, text, line in (
                ("base/a.cc", '#include "base/b.h"\n#include "view/v.h"\n', 2),
                ("view/v.h", '\n  # include "daemon/host/h.h"\n', 2),
                ("daemon/host/h.cc", '#include "daemon/command/c.h"\n', 1),
                ("view/v.cc", '#include "tests/kit/samples.h"\n', 1),
                ("elsewhere/e.cc", "", 1)):
            found = wrong_includes(path, text, arrows)
            self.assertEqual(len(found), 1, path)
            self.assertTrue(found[0].startswith(f"{path}:{line}: "), found)
        for path, text in (("view/v_test.cc", '#include "tests/kit/samples.h"\n'),
                           ("daemon/command/c.cc", '#include "daemon/host/h.h"\n#include <view/x>\n'),
                           ("base/a.cc", '#include "neighbour.h"\n')):
            self.assertEqual(wrong_includes(path, text, arrows), [])

    def test_cycles_are_found(self):
        self.assertEqual(cycles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}), ["a", "b", "c"])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page_with(PAGE.read_text(), read_arrows(LIST.read_text())))
    else:
        unittest.main()
