"""Turns the Autobahn test suite, which is Python 2 code, into a package for Python 3.

    python convert.py TESTSUITE.whl AUTOBAHN.tar.gz OUT

What a string means is the one thing that no syntax converter can decide. In Python 2 a string
was octets, and every case here is written that way. So it stays that way: each string of the
suite holds one octet a character (latin-1), and one class at the edge, OctetWire, turns these
into bytes for the WebSocket library, and back. The library itself, autobahn 0.10.9, already runs
on Python 3 but for one division.

Every edit below must match exactly as often as it says: another version of the suite fails here,
loudly, and never half-converted.
"""

import pathlib
import re
import sys
import tarfile
import warnings
import zipfile

warnings.simplefilter("ignore", DeprecationWarning)
from lib2to3.refactor import RefactoringTool  # noqa: E402

FIXERS = ["dict", "except", "has_key", "import", "map", "ne", "numliterals", "print", "raise", "unicode", "xrange"]

# Only the fuzzing client is wanted; its package used to import every mode of the command line.
PACKAGE = '''"""The fuzzing client of the Autobahn test suite, converted."""
from ._version import __version__

version = __version__
'''

OCTETS = '''"""Strings that hold one octet a character, and the edge where they become bytes."""
import binascii as _binascii

from autobahn.websocket.utf8validator import Utf8Validator as _Utf8Validator


def to_bytes(text):
   return text.encode("latin-1") if isinstance(text, str) else text


def to_text(octets):
   return bytes(octets).decode("latin-1") if isinstance(octets, (bytes, bytearray)) else octets


def b2a_hex(text):
   return _binascii.b2a_hex(to_bytes(text)).decode("ascii")


def decode_utf8(text, errors):
   return to_bytes(text).decode("utf8", errors)


class Utf8Validator:
   def __init__(self):
      self._validator = _Utf8Validator()

   def reset(self):
      self._validator.reset()

   def validate(self, text):
      return self._validator.validate(to_bytes(text))


def octet_wire(Fuzzing, Library):
   """The suite's protocol on the library's: text on this side, bytes on that one."""

   class OctetWire(Fuzzing, Library):
      def sendFrame(self, opcode, payload = "", **options):
         if options.get("mask") is not None:
            options["mask"] = to_bytes(options["mask"])
         Library.sendFrame(self, opcode, payload = to_bytes(payload), **options)

      def sendMessage(self, payload, *args, **options):
         Library.sendMessage(self, to_bytes(payload), *args, **options)

      def sendPing(self, payload = None):
         Library.sendPing(self, to_bytes(payload))

      def sendPong(self, payload = None):
         Library.sendPong(self, to_bytes(payload))

      def sendCloseFrame(self, code = None, reasonUtf8 = None, isReply = False):
         Library.sendCloseFrame(self, code, to_bytes(reasonUtf8), isReply)
         self.localCloseReason = to_text(self.localCloseReason)

      def sendMessageFrameData(self, payload, sync = False):
         return Library.sendMessageFrameData(self, to_bytes(payload), sync)

      def _onMessage(self, payload, isBinary):
         self.onMessage(to_text(payload), isBinary)

      def _onPing(self, payload):
         self.onPing(to_text(payload))

      def _onPong(self, payload):
         self.onPong(to_text(payload))

      def logRxOctets(self, data):
         Fuzzing.logRxOctets(self, to_text(data))

      def logTxOctets(self, data, sync):
         Fuzzing.logTxOctets(self, to_text(data), sync)

      def logRxFrame(self, frameHeader, payload):
         Fuzzing.logRxFrame(self, frameHeader, [to_text(part) for part in payload])

      def logTxFrame(self, frameHeader, payload, *args):
         Fuzzing.logTxFrame(self, frameHeader, to_text(payload), *args)

   return OctetWire
'''

# file: [(text before conversion, text after, how often it must occur)]
EDITS = {
    "case/__init__.py": [
        # Compression is outside the core cases, and 9.9 is switched off in the suite itself.
        ("from case12_x_x import *\n", "", 1),
        ("Cases.extend(Case12_X_X)\nCaseSubCategories.update(Case12_X_X_CaseSubCategories)\n", "", 1),
        ("Cases.extend(Case13_X_X)\nCaseSubCategories.update(Case13_X_X_CaseSubCategories)\n", "", 1),
        ("from case9_9_1 import *\n", "", 1),
    ],
    "case/case.py": [
        # Pickles of equal values differ in Python 3 where one shares a string and the other does not.
        ("pickle.dumps(obj1) == pickle.dumps(obj2)", "obj1 == obj2", 1),
    ],
    "case/case10_1_1.py": [("len(self.payload) / self.p.", "len(self.payload) // self.p.", 1)],
    "case/case6_x_x.py": [
        ("from autobahn.websocket.utf8validator import", "from autobahntestsuite.octets import", 1),
        ("(object, Case, )", "(Case, )", 1),
    ],
    "case/case7_7_X.py": [("(object, Case, )", "(Case, )", 1)],
    "case/case7_9_X.py": [("(object, Case, )", "(Case, )", 1)],
    "case/case9_7_X.py": [("(object, Case, )", "(Case, )", 1)],
    "fuzzing.py": [
        ("import os, json, binascii, time, textwrap, pkg_resources\n",
         "import os, json, time, textwrap\nfrom autobahntestsuite import octets\n"
         "from autobahntestsuite import octets as binascii\n", 1),
        # TLS would need one more native package; the cases run over plain TCP.
        ("from twisted.internet import reactor, ssl\n", "from twisted.internet import reactor\n", 1),
        ("            self.contextFactory = ssl.optionsForClientTLS(hostname)\n",
         '            raise Exception("only ws:// is converted")\n', 1),
        ("self.contextFactory = ssl.ClientContextFactory()", "self.contextFactory = None", 1),
        ("dd.decode('utf8', errors = 'replace' if replace else 'strict')",
         "octets.decode_utf8(dd, 'replace' if replace else 'strict')", 1),
        ("class FuzzingClientProtocol(FuzzingProtocol, WebSocketClientProtocol):",
         "class FuzzingClientProtocol(octets.octet_wire(FuzzingProtocol, WebSocketClientProtocol)):", 1),
        # The HTML report needs a template engine; the JSON one holds the same facts.
        ("from report import CSS_COMMON, \\\n                   CSS_DETAIL_REPORT, \\\n"
         "                   CSS_MASTER_REPORT, \\\n                   JS_MASTER_REPORT\n", "", 1),
        ("produceHtml = True", "produceHtml = False", 1),
        ("json.dumps(case, sort_keys", "json.dumps(case, default = octets.to_text, sort_keys", 1),
    ],
}

LIBRARY_EDITS = {
    "websocket/protocol.py": [("payload_len / len(payload)", "payload_len // len(payload)", 1)],
}


def edited(name, source, edits):
    for before, after, times in edits:
        found = source.count(before)
        if found != times:
            sys.exit(f"convert.py: {name}: expected {times} times, found {found}: {before!r}")
        source = source.replace(before, after)
    return source


def convert_suite(wheel, out):
    tool = RefactoringTool([f"lib2to3.fixes.fix_{fixer}" for fixer in FIXERS])
    wanted = re.compile(r"autobahntestsuite/(_version|caseset|fuzzing|case/\w+)\.py$")
    unused = {"case/case12_x_x.py", "case/case9_9_1.py"}
    target = out / "autobahntestsuite"
    (target / "case").mkdir(parents=True, exist_ok=True)
    edits = dict(EDITS)
    with zipfile.ZipFile(wheel) as archive:
        for entry in sorted(archive.namelist()):
            name = entry.removeprefix("autobahntestsuite/")
            if not wanted.match(entry) or name in unused:
                continue
            # Read as latin-1: an octet of a literal becomes the one character that stands for it.
            source = archive.read(entry).decode("latin-1").replace("\r\n", "\n")
            source = re.sub(r"\A#.*coding[:=].*\n", "", source)
            source = edited(name, source, edits.pop(name, []))
            if name.startswith("case/"):
                source = source.replace("import binascii\n", "from autobahntestsuite import octets as binascii\n")
            path = target / name
            # fix_import asks the disk what is a sibling: lib2to3 needs the real package around the file.
            path.write_text(source, encoding="utf-8")
    if edits:
        sys.exit(f"convert.py: the suite has no {', '.join(sorted(edits))}")
    (target / "__init__.py").write_text(PACKAGE, encoding="utf-8")
    (target / "octets.py").write_text(OCTETS, encoding="utf-8")
    for path in sorted(target.rglob("*.py")):
        if path.name == "octets.py" or path == target / "__init__.py":
            continue
        source = path.read_text(encoding="utf-8")
        if not source.endswith("\n"):
            source += "\n"
        converted = str(tool.refactor_string(source, str(path)))
        compile(converted, str(path), "exec")
        path.write_text(converted, encoding="utf-8")


def unpack_library(sdist, out):
    edits = dict(LIBRARY_EDITS)
    with tarfile.open(sdist) as archive:
        for member in archive.getmembers():
            name = re.sub(r"^autobahn-[^/]+/autobahn/", "", member.name)
            # The asyncio half uses `async` as a name, and nothing of it is imported.
            if name == member.name or not member.isfile() or name.startswith("asyncio/"):
                continue
            content = archive.extractfile(member).read()
            if name in edits:
                content = edited(name, content.decode("utf-8"), edits.pop(name)).encode("utf-8")
            path = out / "autobahn" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    if edits:
        sys.exit(f"convert.py: the library has no {', '.join(sorted(edits))}")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    wheel, sdist, out = (pathlib.Path(argument) for argument in sys.argv[1:])
    convert_suite(wheel, out)
    unpack_library(sdist, out)


if __name__ == "__main__":
    main()
