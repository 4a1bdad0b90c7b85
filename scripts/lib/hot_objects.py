"""What the hot code of an object file needs, by the relocations of its sections (ELF, 64 bit, little-endian).

Every function and every named datum has a section of its own (-ffunction-sections -fdata-sections), except functions
that are marked with SERRIED_SETUP, which share `.text.setup`. A relocation in one section that names a symbol of another
is an edge. Hot are the functions that other objects may call and that bear no mark, and what they reach: a local helper,
or a std::vector member that this object has a copy of, is hot when a hot function reaches it, and is not when setup
functions alone do."""

import bisect
import os
import struct

SETUP = ".text.setup"
ALLOC, EXECUTE = 0x2, 0x4  # section flags
SYMBOLS, RELOCATIONS = 2, 4  # section types
LOCAL, GLOBAL, WEAK, UNIQUE = 0, 1, 2, 10  # symbol bindings
FUNCTION = 2  # symbol type
RESERVED = 0xFF00  # section numbers from here on name no section


def members(library):
    """(name, content) of every object of a static library, thin or not."""
    with open(library, "rb") as file:
        archive = file.read()
    thin = archive.startswith(b"!<thin>\n")
    if not thin and not archive.startswith(b"!<arch>\n"):
        raise ValueError(f"{library} is no static library")
    at, long_names = 8, b""
    while at + 60 <= len(archive):
        name, size = archive[at:at + 16].decode().rstrip(), int(archive[at + 48:at + 58])
        at += 60
        content = archive[at:at + size]
        inside = not thin or name in ("/", "//", "/SYM64/")  # a thin library holds names only
        if inside:
            at += size + size % 2
        if name == "//":
            long_names = content
        elif name not in ("/", "/SYM64/"):
            if name.startswith("/"):
                place = int(name[1:].split()[0])  # ar leaves a slash of its own behind some of these numbers
                name = long_names[place:].split(b"\n", 1)[0].decode()
            name = name.rstrip("/")
            if thin:
                with open(os.path.join(os.path.dirname(library), name), "rb") as file:
                    content = file.read()
            yield os.path.basename(name), content


class Section:
    def __init__(self, name, kind, flags, offset, size, link, info):
        self.name, self.kind, self.flags = name, kind, flags
        self.offset, self.size, self.link, self.info = offset, size, link, info
        self.needs = []  # (offset, symbol, addend) a relocation
        self.functions = []  # (offset, symbol) by offset

    @property
    def executable(self):
        return self.flags & ALLOC and self.flags & EXECUTE and self.size > 0

    @property
    def setup(self):
        return self.name == SETUP


class Symbol:
    def __init__(self, name, binding, kind, section):
        self.name, self.binding, self.kind, self.section = name, binding, kind, section


class Object:
    def __init__(self, content):
        if content[:6] != b"\x7fELF\x02\x01":
            raise ValueError("is no ELF object of 64 bit, little-endian")
        self.content = content
        self.sections = self._read_sections()
        self.symbols = self._read_symbols()
        for section in self.sections:
            if section.kind == RELOCATIONS and self.sections[section.info].flags & ALLOC:
                needs = self.sections[section.info].needs
                for offset, info, addend in struct.iter_unpack("<QQq", self._bytes(section)):
                    needs.append((offset, self.symbols[info >> 32], addend))

    def _bytes(self, section):
        return self.content[section.offset:section.offset + section.size]

    def _read_sections(self):
        table, = struct.unpack_from("<Q", self.content, 0x28)
        entry_bytes, count, names = struct.unpack_from("<HHH", self.content, 0x3A)
        if count == 0 or names >= RESERVED:
            raise ValueError("has more sections than this reader knows of")
        entries = [struct.unpack_from("<IIQQQQII", self.content, table + entry_bytes * i) for i in range(count)]
        text = entries[names][4]
        return [Section(self._text(text + name), kind, flags, offset, size, link, info)
                for name, kind, flags, _, offset, size, link, info in entries]

    def _read_symbols(self):
        table = next((section for section in self.sections if section.kind == SYMBOLS), None)
        if table is None:
            return []
        text, symbols = self.sections[table.link].offset, []
        for name, info, _, number, value, _ in struct.iter_unpack("<IBBHQQ", self._bytes(table)):
            section = self.sections[number] if 0 < number < RESERVED else None
            symbols.append(Symbol(self._text(text + name) if name else "", info >> 4, info & 15, section))
            if section is not None and info & 15 == FUNCTION:
                bisect.insort(section.functions, (value, symbols[-1]), key=lambda entry: entry[0])
        return symbols

    def _text(self, at):
        return self.content[at:self.content.index(b"\0", at)].decode()

    def setup_functions(self):
        """Names of the functions that bear the mark and that other objects may call."""
        return {symbol.name for section in self.sections if section.setup for _, symbol in section.functions
                if symbol.binding != LOCAL}

    def functions_share_sections(self):
        return any(len({place for place, _ in section.functions}) > 1
                   for section in self.sections if section.executable and not section.setup)

    def weak_symbols(self):
        """Names of what this object defines and the linker may take from another in its place, or for another."""
        return [symbol.name for symbol in self.symbols
                if symbol.section is not None and symbol.binding in (WEAK, UNIQUE)]

    def hot_needs(self, entries=None):
        """(need, function, by) for each symbol outside the hot code that the hot code names: the function that names it,
        and a hot function that reaches this one (both mangled; often the same). `need.section` is None when another object
        defines it; else it is a setup function of this object. With a pattern `entries`, hot is what the functions of
        these names reach, and nothing else."""
        reached = self._hot() if entries is None else self._reach({}, self._sections_of(entries))
        for section in reached:
            for offset, symbol, addend in section.needs:
                if symbol.section is not None and not symbol.section.setup:
                    continue
                function = by = self._function_at(section, offset)
                at = section
                while reached[at] is not None:
                    by = self._function_at(*reached[at])
                    at = reached[at][0]
                yield self._named(symbol, addend), function, by

    def has_function(self, pattern):
        return bool(self._sections_of(pattern))

    def _sections_of(self, pattern):
        return [section for section in self.sections if any(pattern.search(symbol.name) for _, symbol in section.functions)]

    def _hot(self):
        """Every hot section, as _reach gives them: from the functions that other objects may call; then from what neither
        these nor setup functions reach (code before main, a template that is instantiated for others), callers first."""
        code = [section for section in self.sections if section.executable and not section.setup]
        hot = self._reach({}, [section for section in code
                               if any(symbol.binding == GLOBAL for _, symbol in section.functions)])
        cold = self._reach({}, [section for section in self.sections if section.setup])
        left = [section for section in code if section not in hot and section not in cold]
        called = {symbol.section for section in left for _, symbol, _ in section.needs if symbol.section is not section}
        for section in sorted(left, key=called.__contains__):
            self._reach(hot, [section])
        return hot

    @staticmethod
    def _reach(reached, roots):
        """Add to `reached` every section that these reach, with the section and offset that it was reached from, None for
        a root. Nothing is reached through a setup function."""
        waiting = [root for root in roots if root not in reached]
        reached.update(dict.fromkeys(waiting))
        for section in waiting:
            for offset, symbol, _ in section.needs:
                to = symbol.section
                if to is not None and to not in reached and not to.setup:
                    reached[to] = section, offset
                    waiting.append(to)
        return reached

    @staticmethod
    def _function_at(section, offset):
        """The name of the function of `section` that the byte at `offset` belongs to, or the section's."""
        before = bisect.bisect_right(section.functions, offset, key=lambda entry: entry[0])
        return section.functions[before - 1][1].name if before else section.name

    def _named(self, symbol, addend):
        """A relocation may name a local function as a place in its section."""
        if symbol.name or symbol.section is None:
            return symbol
        return Symbol(self._function_at(symbol.section, addend + 4), LOCAL, FUNCTION, symbol.section)
