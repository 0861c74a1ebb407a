# SPDX-License-Identifier: Apache-2.0
"""Reads a kernel's type information (the .BTF section of its ELF file): offsets of structure members.

Little-endian ELF64 only. offsets_header() generates a C header for the lab's modules.
"""

import struct

from common import LabError

INT, POINTER, ARRAY, STRUCT, UNION, ENUM, FORWARD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNCTION, PROTOTYPE, VARIABLE, \
    SECTION, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(1, 20)
# Bytes after the common 12: a fixed part, and a part for each of `vlen` members.
FIXED = {INT: 4, ARRAY: 12, VARIABLE: 4, DECL_TAG: 4}
EACH = {STRUCT: 12, UNION: 12, ENUM: 8, PROTOTYPE: 8, SECTION: 12, ENUM64: 12}


def section(image, wanted):
    """The bytes of a section of an ELF file."""
    if image[:6] != b"\x7fELF\x02\x01":
        raise LabError("the kernel is not a little-endian 64-bit ELF file")
    table, = struct.unpack_from("<Q", image, 0x28)
    size, count, names_at = struct.unpack_from("<HHH", image, 0x3A)
    sections = [struct.unpack_from("<IIQQQQ", image, table + size * index) for index in range(count)]
    names = sections[names_at][4]
    for name, _, _, _, offset, length in sections:
        start = names + name
        if image[start:image.index(b"\0", start)] == wanted.encode():
            return image[offset:offset + length]
    raise LabError(f"the kernel has no section {wanted}")


class Btf:
    """The types of one kernel. Structures and members are found by name, also in anonymous members."""

    def __init__(self, data):
        magic, _, _, header, types_at, types_size, names_at, names_size = struct.unpack_from("<HBBIIIII", data)
        if magic != 0xEB9F:
            raise LabError("the kernel's type information is not BTF")
        self._names = data[header + names_at:header + names_at + names_size]
        self._data = data
        self._types = [None]  # (offset, kind, vlen); void first
        self._structures = {}
        position, end = header + types_at, header + types_at + types_size
        while position < end:
            name, info = struct.unpack_from("<II", data, position)
            kind, vlen = info >> 24 & 0x1F, info & 0xFFFF
            if not INT <= kind <= ENUM64:
                raise LabError(f"unknown kind {kind} in the kernel's type information; add it to tests/lab/btf.py")
            if kind in (STRUCT, UNION) and name:
                self._structures.setdefault(self._name(name), len(self._types))
            self._types.append((position, kind, vlen))
            position += 12 + FIXED.get(kind, 0) + EACH.get(kind, 0) * vlen

    def _name(self, offset):
        return self._names[offset:self._names.index(b"\0", offset)].decode()

    def _resolve(self, number):
        """The type behind typedefs and qualifiers."""
        while number:
            position, kind, _ = self._types[number]
            if kind not in (TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG):
                break
            number = struct.unpack_from("<I", self._data, position + 8)[0]
        return number

    def _members(self, number):
        """(name, type, offset in bytes) of each member, including those of anonymous structures and unions."""
        position, _, vlen = self._types[number]
        flagged = struct.unpack_from("<I", self._data, position + 4)[0] >> 31
        for index in range(vlen):
            name, kind, bits = struct.unpack_from("<III", self._data, position + 12 + 12 * index)
            offset = (bits & 0xFFFFFF if flagged else bits) // 8
            kind = self._resolve(kind)
            if name:
                yield self._name(name), kind, offset
            elif kind and self._types[kind][1] in (STRUCT, UNION):
                for inner, inner_kind, more in self._members(kind):
                    yield inner, inner_kind, offset + more

    def size(self, structure):
        """Size of a structure in bytes; None if the kernel does not have it."""
        number = self._structures.get(structure)
        return struct.unpack_from("<I", self._data, self._types[number][0] + 8)[0] if number else None

    def member(self, structure, name):
        """(offset, elements) of a member; elements is None unless it is an array; None if there is no such member."""
        number = self._structures.get(structure)
        for found, kind, offset in self._members(number) if number else ():
            if found == name:
                is_array = kind and self._types[kind][1] == ARRAY
                elements = struct.unpack_from("<I", self._data, self._types[kind][0] + 20)[0] if is_array else None
                return offset, elements
        return None

    def enumerator(self, wanted):
        """The value of an enumerator, or None."""
        for position, kind, vlen in self._types[1:]:
            if kind == ENUM:
                for index in range(vlen):
                    name, value = struct.unpack_from("<Ii", self._data, position + 12 + 8 * index)
                    if self._name(name) == wanted:
                        return value
        return None


def load(vmlinux):
    return Btf(section(vmlinux.read_bytes(), ".BTF"))


def offsets(btf):
    """{macro: number} for the oracle, without members that this kernel does not have."""
    found = {}

    def at(macro, structure, member):
        place = btf.member(structure, member)
        if place:
            found[macro] = place[0]
        return place

    def must(macro, structure, member):
        if not at(macro, structure, member):
            raise LabError(f"the kernel's type information has no {structure}.{member}; "
                           "update offsets() in tests/lab/btf.py")
        return btf.member(structure, member)

    must("MAGAZINE_SIZE", "iova_magazine", "size")
    found["MAGAZINE_CAPACITY"] = must("MAGAZINE_PFNS", "iova_magazine", "pfns")[1]
    at("MAGAZINE_NEXT", "iova_magazine", "next")
    for name in ("lock", "loaded", "prev"):
        must(f"CPU_RCACHE_{name.upper()}", "iova_cpu_rcache", name)
    for name in ("lock", "depot_size", "cpu_rcaches"):
        must(f"RCACHE_{name.upper()}", "iova_rcache", name)
    array = must("RCACHE_DEPOT", "iova_rcache", "depot")[1]
    if array is not None:
        found["DEPOT_ARRAY"] = array
    found["RCACHE_BYTES"] = btf.size("iova_rcache")
    found["DOMAIN_BYTES"] = btf.size("iova_domain")
    found["IOMMU_DOMAIN_BYTES"] = btf.size("iommu_domain")
    if must("DOMAIN_RCACHES", "iova_domain", "rcaches")[1] is not None:
        found["RCACHES_EMBEDDED"] = 1
    must("COOKIE_IOVAD", "iommu_dma_cookie", "iovad")
    if at("DMAR_IOVAD", "dmar_domain", "iovad"):
        must("DMAR_DOMAIN", "dmar_domain", "domain")
    # Flush queues: first in the domain, later in the cookie that contains it, later optionally one for all CPUs.
    if at("FQ_POINTER", "iova_domain", "fq"):
        found["FQ_IN_DOMAIN"] = 1
    elif not at("FQ_POINTER", "iommu_dma_cookie", "fq"):
        must("FQ_POINTER", "iommu_dma_cookie", "percpu_fq")
        found["FQ_TYPE"] = must("FQ_OPTIONS", "iommu_dma_cookie", "options")[0] + \
            must("FQ_OPTIONS_QT", "iommu_dma_options", "qt")[0]
        found["FQ_TYPE_SINGLE"] = btf.enumerator("IOMMU_DMA_OPTS_SINGLE_QUEUE")
    for name in ("head", "tail"):
        must(f"FQ_{name.upper()}", "iova_fq", name)
    if not at("FQ_MOD_MASK", "iova_fq", "mod_mask"):
        found["FQ_ENTRIES"] = btf.member("iova_fq", "entries")[1]
    return found


def offsets_header(btf):
    """The same as C macros."""
    lines = [f"#define {macro} {number}" for macro, number in offsets(btf).items()]
    return "/* SPDX-License-Identifier: GPL-2.0-only */\n" + "\n".join(lines) + "\n"
