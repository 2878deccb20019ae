"""Rich Text → its text: every alphabet decoded, headings become places, a table's row is a line, notes follow."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from index.errors import UnreadableFile
from index.readers.builder import fold_space
from index.readers.rtf_blocks import Blocks, joined
from index.readers.rtf_tokens import CHARACTERS, SKIPPED, SYMBOLS, Token, code_page, decode, tokens
from index.records import Extracted

# Groups that are gathered by themselves, and what is done with them. They may stand in one that is not understood.
_GATHERED = {
    "footnote": "attached",
    "shptxt": "attached",
    "dptxbxtext": "attached",
    "listtext": "marker",
    "pntext": "marker",
    "fonttbl": "fonts",
    "stylesheet": "styles",
    "title": "title",
    "author": "author",
    "creatim": "created",
    "revtim": "modified",
}
_HEADING_NAME = re.compile(r"heading ([1-9])\b", re.IGNORECASE)  # in English in every language's Word
_MOST_GROUPS = 10_000  # open at once; what programs write stays below 100


def read_rtf(data: bytes) -> Extracted:
    """Read Rich Text; what is cut off is read as far as it goes."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise UnreadableFile("not a Rich Text file: it does not begin as one")
    reader = _Reader()
    for token in tokens(data):
        if not reader.take(token):
            break
    return reader.finish()


@dataclass(slots=True)
class _State:
    """What holds until the group ends. part: what the group is gathered for, "" for the text itself."""

    sink: list[str]
    part: str = ""
    ignored: bool = False  # not understood: only gathered groups in it are read
    skipped: bool = False  # not even those
    font: int | None = None
    fallback: int = 1  # how many characters after \u repeat it for old readers
    invisible: frozenset[str] = frozenset()
    style: int = 0
    level: int = 0  # of a heading, 0 for what is none
    in_table: bool = False


class _Reader:
    """Takes the tokens one by one, as a program does that shows the text."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._state = _State(self._blocks.text)
        self._stack: list[_State] = []
        self._code_page = "cp1252"
        self._fonts: dict[int, str] = {}
        self._default_font: int | None = None
        self._bytes = bytearray()
        self._fallback = 0  # characters still to be passed over
        self._starred = False
        self._levels: dict[int, int] = {}  # style → level of its headings
        self._properties: dict[str, str] = {}
        self._numbers: dict[str, int] = {}  # of the date being read: yr, mo, dy

    def take(self, token: Token) -> bool:
        """Take the next token; False when the document has ended."""
        if token.kind in ("text", "hex"):
            self._take_bytes(token.raw)
            return True
        self._flush()
        self._fallback = 0
        if token.kind == "brace":
            return self._enter() if token.value == "{" else self._leave()
        if token.kind == "symbol":
            self._symbol(token.value)
        else:
            self._word(token.value, token.number)
        return True

    def finish(self) -> Extracted:
        """Return the document."""
        self._flush()
        self._blocks.paragraph(self._state.level)
        text, sections = self._blocks.flow.finish()
        kept = self._properties
        metadata = {"author": kept.get("author", ""), "date": kept.get("modified") or kept.get("created", "")}
        return Extracted(
            text=text,
            media_type="application/rtf",
            title=kept.get("title") or self._blocks.flow.title,
            sections=sections,
            metadata={name: value for name, value in metadata.items() if value},
        )

    # ------------------------------------------------------------------ groups

    def _enter(self) -> bool:
        if len(self._stack) > _MOST_GROUPS:
            raise UnreadableFile("a damaged file: its parts are nested too deeply")
        self._stack.append(self._state)
        self._state = replace(self._state)
        self._starred = False
        if self._state.part == "styles":
            self._state = replace(self._state, sink=[], part="style", style=0, level=0)
        return True

    def _leave(self) -> bool:
        if not self._stack:
            return False
        ended, self._state = self._state, self._stack.pop()
        if ended.sink is not self._state.sink:
            self._gathered(ended)
        return bool(self._stack)

    def _gathered(self, ended: _State) -> None:
        text = joined(ended.sink)
        if ended.part == "attached":
            self._blocks.attached.append(text)
        elif ended.part == "marker":
            self._blocks.marker = text
        elif ended.part == "style":
            by_name = _HEADING_NAME.match(text.strip())
            self._levels[ended.style] = int(by_name.group(1)) if by_name else ended.level
        elif ended.part in ("created", "modified"):
            self._properties[ended.part] = self._date()
        elif ended.part in ("title", "author"):
            self._properties[ended.part] = fold_space(text)

    def _date(self) -> str:
        year, month, day = (self._numbers.get(name, 0) for name in ("yr", "mo", "dy"))
        self._numbers = {}
        return f"{year:04}-{month:02}-{day:02}" if year > 1900 and 0 < month < 13 and 0 < day < 32 else ""

    def _destination(self, word: str) -> bool:
        """Say whether a word opens a group that is not running text, and begin it."""
        if word in SKIPPED:
            self._state.ignored = self._state.skipped = True
        elif word in _GATHERED and not self._state.skipped:
            self._state = replace(self._state, sink=[], part=_GATHERED[word], ignored=False, invisible=frozenset())
        elif self._starred:
            self._state.ignored = True
        else:
            return False
        self._starred = False
        return True

    # ------------------------------------------------------------------ words

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._starred = True
        elif symbol in "\r\n":
            self._end_of_paragraph()
        else:
            self._put(SYMBOLS.get(symbol, ""))

    def _word(self, word: str, number: int | None) -> None:
        if self._destination(word):
            return
        if word in CHARACTERS:
            self._put(CHARACTERS[word])
        elif word == "u":
            self._put(chr((number or 0) % 0x10000))
            self._fallback = self._state.fallback
        elif word in ("par", "sect", "cell", "row"):
            self._end(word)
        elif word in ("v", "deleted"):
            one = frozenset([word])
            self._state.invisible = self._state.invisible - one if number == 0 else self._state.invisible | one
        elif word in ("yr", "mo", "dy"):
            self._numbers[word] = number or 0
        else:
            self._format(word, number)

    def _format(self, word: str, number: int | None) -> None:
        state = self._state
        if word == "pard":
            state.style = state.level = 0
            state.in_table = False
        elif word == "plain":
            state.font, state.invisible = None, frozenset()
        elif word == "intbl":
            state.in_table = True
        elif word == "s":
            state.style, state.level = number or 0, self._levels.get(number or 0, 0)
        elif word == "outlinelevel":
            state.level = (number or 0) + 1 if (number or 0) < 9 else 0
        elif word == "uc":
            state.fallback = min(max(number if number is not None else 1, 0), 10)
        else:
            self._alphabet(word, number)

    def _alphabet(self, word: str, number: int | None) -> None:
        if word == "f":
            self._state.font = number
        elif word == "deff":
            self._default_font = number
        else:
            encoding = code_page(word, number)
            if encoding and self._state.part == "fonts" and self._state.font is not None:
                self._fonts[self._state.font] = encoding
            elif encoding and not self._state.part:
                self._code_page = encoding

    # ------------------------------------------------------------------ text

    def _take_bytes(self, raw: bytes) -> None:
        passed = min(self._fallback, len(raw))
        self._fallback -= passed
        if not self._state.ignored:
            self._bytes += raw[passed:]

    def _flush(self) -> None:
        """Decode the bytes gathered so far: a letter of an Asian alphabet may be two of them."""
        if self._bytes:
            font = self._default_font if self._state.font is None else self._state.font
            encoding = self._fonts.get(font, self._code_page) if font is not None else self._code_page
            self._put(decode(bytes(self._bytes), encoding))
            self._bytes.clear()

    def _put(self, text: str) -> None:
        if not (self._state.ignored or self._state.invisible):
            self._state.sink.append(text)

    def _end(self, word: str) -> None:
        if self._state.ignored:
            return
        if self._state.part:
            self._put("\n")
        elif word == "cell":
            self._blocks.cell()
        elif word == "row":
            self._blocks.row()
        else:
            self._end_of_paragraph()

    def _end_of_paragraph(self) -> None:
        if self._state.ignored or self._state.part or self._state.in_table:
            self._put("\n" if self._state.part else " ")
        else:
            self._blocks.paragraph(self._state.level)
