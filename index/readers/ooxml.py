"""Makes a Word or PowerPoint package such as the libraries expect it, and reads its core properties.

The libraries refuse what the programs themselves open: relationships to parts that are not there, the strict dialect of
the standard, macros, odd upper case. They also load pictures and films, which hold no text.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from index.errors import UnreadableFile
from index.readers.builder import fold_space
from index.readers.package import open_package, read_member

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
# What python-docx and python-pptx leave in documents made from their templates: nobody wrote them then.
_OF_TEMPLATES = frozenset(("2013-12-23T23:15:00Z", "2013-01-27T09:14:16Z", "2013-01-27T09:15:58Z"))
_MAKER = "python-docx"
_MAIN_TYPES = (
    (
        re.compile(
            rb"application/vnd\.(?:ms-word\.\w+\.macroEnabled\w*|openxmlformats-officedocument\.wordprocessingml\.template)"
            rb"\.main\+xml"
        ),
        b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    ),
    (
        re.compile(rb"application/vnd\.ms-powerpoint\.\w+\.macroEnabled\w*\.main\+xml"),
        b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    ),
)
_NO_TITLES = frozenset(["powerpoint presentation", "word document", "presentation", "document", "untitled", "title"])


class Package:
    """An office package without its pictures: `file` is what a library opens, `parts` are names → bytes."""

    def __init__(self, data: bytes) -> None:
        with open_package(data) as archive:
            self.parts = {_name_of(member): _part(archive, member) for member in archive.infolist() if _has_text(member)}
        if "[Content_Types].xml" not in self.parts:
            raise UnreadableFile("a damaged file: parts of it are missing")
        self._mend_relationships()
        self.file = self._pack()

    def properties(self) -> tuple[str, dict[str, str]]:
        """Return the title ("" if none was given) and the metadata: author, date."""
        blob = next((blob for name, blob in self.parts.items() if name.lower().endswith("core.xml")), b"")
        try:
            values = {_local(node.tag): fold_space(node.text or "") for node in parse_xml(blob)} if blob else {}
        except UnreadableFile:
            values = {}  # the text is worth having without them
        title = values.get("title", "")
        return ("" if title.lower() in _NO_TITLES else title), _metadata(values)

    def _mend_relationships(self) -> None:
        known = {name.lower(): name for name in self.parts}
        for name in [name for name in self.parts if name.endswith(".rels")]:
            base = posixpath.dirname(posixpath.dirname(name))
            root = parse_xml(self.parts[name])
            for relationship in list(root):
                if relationship.get("TargetMode") == "External":
                    continue
                target = posixpath.normpath(posixpath.join("/", base, relationship.get("Target", "")))
                found = known.get(target.lstrip("/").lower())
                if found:
                    relationship.set("Target", f"/{found}")
                else:
                    root.remove(relationship)
            self.parts[name] = tostring(root)

    def _pack(self) -> io.BytesIO:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, blob in self.parts.items():
                archive.writestr(name, blob)
        file.seek(0)
        return file


def parse_xml(blob: bytes) -> Any:
    """Parse XML that may come from anybody; raises UnreadableFile for what is damaged or declares entities."""
    try:
        return SafeTree.fromstring(blob, forbid_dtd=True)
    except DefusedXmlException as error:
        raise UnreadableFile("refused: its XML declares a document type, as no office program writes it") from error
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableFile("a damaged file: its XML is broken") from error


def _has_text(member: zipfile.ZipInfo) -> bool:
    return member.filename.lower().endswith((".xml", ".rels"))


def _name_of(member: zipfile.ZipInfo) -> str:
    name = member.filename.replace("\\", "/").lstrip("/")
    return "[Content_Types].xml" if name.lower() == "[content_types].xml" else name


def _part(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    blob = read_member(archive, member.filename)
    if b"<!DOCTYPE" in blob or "<!DOCTYPE".encode("utf-16-le") in blob or "<!DOCTYPE".encode("utf-16-be") in blob:
        raise UnreadableFile("refused: its XML declares a document type, as no office program writes it")
    blob = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", blob)
    if _name_of(member) == "[Content_Types].xml":
        for pattern, plain in _MAIN_TYPES:
            blob = pattern.sub(plain, blob)
    return blob


def _metadata(values: Mapping[str, str]) -> dict[str, str]:
    found = {}
    if values.get("creator") and values["creator"] != _MAKER:
        found["author"] = values["creator"]
    dates = (values.get(name, "") for name in ("modified", "created"))
    date = next((date for date in dates if date not in _OF_TEMPLATES and re.match(r"\d{4}-\d\d-\d\d(?:T|$)", date)), "")
    if date:
        found["date"] = date[:10]
    return found


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]
