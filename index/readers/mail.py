"""Mail messages and mailboxes → each message and each attachment as a document of its own."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from email import message_from_bytes
from email.parser import BytesHeaderParser
from email.policy import compat32

from index.errors import UnreadableFile
from index.readers import read_bytes
from index.readers.formats import detect, skip_reason
from index.readers.html import extract_blocks
from index.readers.mime import Mail, attached_bytes, attached_name, contents, enclosed, header, iso_date
from index.readers.text import decode
from index.records import Extracted, Locator, Section

_MAX_DEPTH = 5  # messages within messages
_MAX_ATTACHMENTS = 1_000  # of one file
_MAX_HEADER = 1_000  # characters of a header in the text: some mail is sent to thousands
_HEAD_BYTES = 100_000  # in which the headers of a message end
_LONGEST_ID = 200  # characters
_KNOWN = frozenset("from to cc subject date message-id received return-path content-type mime-version".split())
_UNREAD_TYPES = {"image": "a picture", "audio": "sound", "video": "a film"}
_UNREAD_KINDS = {
    "application/pgp-signature": "a signature",
    "application/pkcs7-signature": "a signature",
    "application/x-pkcs7-signature": "a signature",
    "application/pgp-encrypted": "encrypted",
    "application/pkcs7-mime": "encrypted or signed (S/MIME)",
    "application/x-pkcs7-mime": "encrypted or signed (S/MIME)",
    "application/ms-tnef": "Outlook's own format (winmail.dat)",
}
# A separator follows an empty line and precedes a header, so that a sentence that begins with "From" is none.
_SEPARATOR = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]*\n(?=[!-9;-~]+:|>From )|\AFrom [^\n]*\n")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def read_eml(data: bytes, passwords: Sequence[str] = ()) -> list[Extracted]:
    """Read one message, then its attachments."""
    message = _parse(_as_bytes(data))
    if not _KNOWN & {name.lower() for name in message.keys()}:  # noqa: SIM118 - a message iterates over nothing
        raise UnreadableFile("not an e-mail: it has no headers")
    return _MailReader(passwords).read(message, "", 0)


def read_mbox(data: bytes, passwords: Sequence[str] = ()) -> list[Extracted]:
    """Read each message of a mailbox, each followed by its attachments. One that is broken costs no other."""
    reader = _MailReader(passwords)
    documents: list[Extracted] = []
    unread = []
    sources = list(_split(_as_bytes(data)))
    for number, (source, name) in enumerate(zip(sources, _names(sources), strict=True), start=1):
        try:
            found = reader.read(_parse(source), name, 0)
            documents += [_placed(document, Locator(message=number)) for document in found]
        except UnreadableFile as error:
            unread.append(f"{number}: {error.message}")
    if unread and not documents:
        raise UnreadableFile(f"no message can be read ({unread[0]})")
    if unread:
        first = documents[0]
        documents[0] = replace(first, metadata={**first.metadata, "unread_messages": "; ".join(unread)})
    return documents


class _MailReader:
    """Reads the messages of one file."""

    def __init__(self, passwords: Sequence[str]) -> None:
        self._passwords = passwords
        self._attachments = 0

    def read(self, message: Mail, part: str, depth: int) -> list[Extracted]:
        """Return a message and its attachments. depth: how many messages it lies within."""
        if depth > _MAX_DEPTH:
            raise UnreadableFile(f"messages within messages, more than {_MAX_DEPTH} deep")
        bodies, attached = contents(message)
        metadata = _metadata(message)
        documents, unread = self._read_attachments(attached, metadata, part, depth)
        if unread:
            metadata = {**metadata, "unread_attachments": "; ".join(unread)}
        text, sections = _text(message, bodies)
        title = metadata.get("subject", "")
        first = Extracted(
            text=text, media_type="message/rfc822", part=part, title=title, sections=sections, metadata=metadata
        )
        return [first, *documents]

    def _read_attachments(
        self, attached: Sequence[Mail], metadata: dict[str, str], part: str, depth: int
    ) -> tuple[list[Extracted], list[str]]:
        documents: list[Extracted] = []
        unread: list[str] = []
        taken: set[str] = set()
        for attachment in attached:
            name = _unique(attached_name(attachment), taken)
            try:
                found = self._read_attachment(attachment, name, depth)
            except UnreadableFile as error:
                unread.append(f"{name}: {error.message}")
            else:
                place = Locator(attachment=name)
                documents += [_inherit(_placed(document, place), name, part, metadata) for document in found]
        return documents, unread

    def _read_attachment(self, attachment: Mail, name: str, depth: int) -> list[Extracted]:
        self._attachments += 1
        if self._attachments > _MAX_ATTACHMENTS:
            raise UnreadableFile(f"the file has more than {_MAX_ATTACHMENTS:,} attachments")
        kind = attachment.get_content_type()
        reason = _UNREAD_TYPES.get(attachment.get_content_maintype()) or _UNREAD_KINDS.get(kind) or skip_reason(name)
        if reason:
            raise UnreadableFile(reason)
        inner = enclosed(attachment)
        if inner is not None:
            return self.read(inner, "", depth + 1)
        data = attached_bytes(attachment)
        if not data:
            raise UnreadableFile("the file is empty")
        if detect(data, name) == "eml":  # not by read_bytes, which would forget the depth
            return self.read(_parse(_as_bytes(data)), "", depth + 1)
        return read_bytes(data, name, self._passwords)


def _parse(data: bytes) -> Mail:
    try:
        # policy.default parses headers by the standard and dies of many that are not; these are decoded in mime.py
        return message_from_bytes(data, policy=compat32)
    except RecursionError as error:
        raise UnreadableFile("its parts are nested too deep") from error


def _as_bytes(data: bytes) -> bytes:
    """Turn a message that was saved in UTF-16, or with a byte order mark, into bytes as mail has them."""
    wide = {0: "utf-16-be", 1: "utf-16-le"}.get(data[:2].find(b"\0"))  # every other byte of plain letters is zero
    if wide:
        return data.decode(wide, "replace").encode("utf-8", "replace")
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return decode(data)[0].encode()
    return data.lstrip(b"\r\n")


def _split(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a mailbox without the lines that separate them."""
    marks = [match.span() for match in _SEPARATOR.finditer(data)]
    if not marks or marks[0][0] > 0:
        marks.insert(0, (0, 0))
    ends = [start for start, _ in marks[1:]] + [len(data)]
    for (_, begin), end in zip(marks, ends, strict=True):
        yield _QUOTED_FROM.sub(rb"\1", data[begin:end])


def _names(sources: Sequence[bytes]) -> list[str]:
    """Name each message so that it is called the same when others come or go: by its Message-ID, else by its content.

    Neither are messages that share a Message-ID told apart by their order, unless they are alike to the last byte.
    """
    ids = [_id_of(source) for source in sources]
    counts, taken = Counter(ids), set[str]()
    names = []
    for identity, source in zip(ids, sources, strict=True):
        content = hashlib.sha256(source.rstrip()).hexdigest()[:16]
        once = identity and counts[identity] == 1
        names.append(_unique(identity if once else f"{identity} {content}".strip(), taken))
    return names


def _id_of(source: bytes) -> str:
    """Return the Message-ID of a message, "" where there is none to rely on. A slash would part it from attachments."""
    head = BytesHeaderParser(policy=compat32).parsebytes(source[:_HEAD_BYTES])
    identity = header(head, "message-id").strip("<> ").replace("/", "_")
    return identity if len(identity) <= _LONGEST_ID else ""


def _text(message: Mail, bodies: Sequence[tuple[str, str]]) -> tuple[str, tuple[Section, ...]]:
    """Return the headers that people ask about, then the message's own text, with the headings of HTML as sections."""
    named = [(name, header(message, name.lower())) for name in ("From", "To", "Cc", "Date", "Subject")]
    text = "\n".join(f"{name}: {value[:_MAX_HEADER]}" for name, value in named if value)
    sections: list[Section] = []
    for kind, source in bodies:
        body, found = extract_blocks(source, bold=False) if kind == "text/html" else (source.strip(), ())
        if body:
            text = f"{text}\n\n" if text else ""
            sections += [Section(len(text) + section.start, section.locator) for section in found]
            text += body
    return text, tuple(sections)


def _metadata(message: Mail) -> dict[str, str]:
    found = {name: header(message, name) for name in ("from", "to", "cc", "subject")}
    found |= {"date": iso_date(message), "message_id": header(message, "message-id").strip("<> ")}
    return {name: value for name, value in found.items() if value}


def _unique(name: str, taken: set[str]) -> str:
    """Give a number to a name that another attachment of the message has already: "report (2).pdf"."""
    stem, dot, suffix = name.rpartition(".")
    unique, number = name, 1
    while unique in taken:
        number += 1
        unique = f"{stem} ({number}){dot}{suffix}" if stem else f"{name} ({number})"
    taken.add(unique)
    return unique


def _placed(document: Extracted, place: Locator) -> Extracted:
    """Return a document whose every place lies within `place`: a message of a mailbox, or an attachment."""
    sections = [replace(section, locator=_within(section.locator, place)) for section in document.sections]
    if not sections or sections[0].start > 0:
        sections.insert(0, Section(0, place))
    return replace(document, sections=tuple(sections))


def _within(locator: Locator, place: Locator) -> Locator:
    names = [name for name in (place.attachment, locator.attachment) if name]
    return replace(locator, attachment="/".join(names), message=place.message or locator.message)


def _inherit(document: Extracted, name: str, part: str, metadata: dict[str, str]) -> Extracted:
    """Return an attachment named within its message, which lends it what it does not say of itself."""
    lent: dict[str, str] = {key: metadata[key] for key in ("from", "to", "date", "subject") if key in metadata}
    return replace(
        document,
        part="/".join(one for one in (part, name, document.part) if one),
        title=document.title or name,
        metadata={**lent, **document.metadata},
    )
