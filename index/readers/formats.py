"""Which format a file is: told by its bytes first, by its suffix where the bytes do not tell."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import PurePath

from index.errors import UnreadableFile, Unsupported

_BY_SUFFIX = {
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".md": "markdown",
    ".mdx": "markdown",
    ".markdown": "markdown",
    ".rst": "rst",
    ".rtf": "rtf",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".epub": "epub",
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".odt": "odt",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".ppsx": "pptx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".eml": "eml",
    ".mbox": "mbox",
}
_CODE = (
    ".py .pyi .rb .php .lua .jl .c .h .cc .cpp .cxx .hh .hpp .hxx .cs .java .kt .kts .scala .groovy .go .rs .swift .dart "
    ".ts .tsx .jsx"
)
_BY_SUFFIX |= dict.fromkeys(_CODE.split(), "code")
# Files that are no documents are not even opened: a folder of films should not cost hours.
_NO_DOCUMENTS = {
    "a picture": ".png .jpg .jpeg .gif .bmp .tif .tiff .webp .ico .svg .heic .psd .avif",
    "sound": ".mp3 .wav .ogg .flac .m4a .aac .opus",
    "a film": ".mp4 .mov .avi .mkv .webm .mpg .mpeg .wmv",
    "an archive: unpack it first": ".zip .gz .tgz .bz2 .xz .7z .rar .tar .zst .jar .whl .dmg .iso",
    "a program or library": ".exe .dll .so .dylib .bin .o .a .class .pyc .wasm .apk .deb .rpm .msi",
    "a font": ".ttf .otf .woff .woff2",
    "a database or index": ".db .sqlite .sqlite3 .mdb .accdb .parquet .faiss .idx .npy .npz .pkl .pt .safetensors .onnx",
    "style or script of a page": ".css .js .mjs .map",
}
_SKIPPED = {suffix: reason for reason, suffixes in _NO_DOCUMENTS.items() for suffix in suffixes.split()}
_MAGIC = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"\x1f\x8b", "an archive: unpack it first"),
    (b"7z\xbc\xaf", "an archive: unpack it first"),
    (b"Rar!", "an archive: unpack it first"),
    (b"BZh", "an archive: unpack it first"),
    (b"\xfd7zXZ", "an archive: unpack it first"),
    (b"\x7fELF", "a program or library"),
    (b"MZ", "a program or library"),
    (b"SQLite format 3", "a database or index"),
    (b"OggS", "sound"),
    (b"ID3", "sound"),
    (b"RIFF", "sound, a film or a picture"),
    (b"%!PS", "PostScript: convert it to PDF"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD_OFFICE = {".doc": ".docx", ".dot": ".docx", ".xls": ".xlsx", ".ppt": ".pptx", ".pps": ".pptx", ".msg": ".eml"}
# The names that packages declare for their main part, and what they are read as (ECMA-376, ODF 1.3, EPUB 3).
_PACKAGES = (
    (b"wordprocessingml", "docx"),
    (b"ms-word", "docx"),
    (b"presentationml", "pptx"),
    (b"ms-powerpoint", "pptx"),
    (b"spreadsheetml", "xlsx"),
    (b"ms-excel", "xlsx"),
)
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL
)
_MAIL = re.compile(rb"(?:[A-Za-z][A-Za-z-]*:[^\n]*\n(?:[ \t][^\n]*\n)*){3,}")
_SNIFFED = 4096
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def readable_suffixes() -> tuple[str, ...]:
    """Return the file name endings that have a reader, sorted."""
    return tuple(sorted(_BY_SUFFIX))


def skip_reason(name: str) -> str:
    """Say why a file of this name is not worth opening; "" if it is."""
    return _SKIPPED.get(PurePath(name).suffix.lower(), "")


def detect(data: bytes, name: str) -> str:
    """Return the format of a file: a key of the readers' table.

    Raises Unsupported for what is not read, UnreadableFile for what is not what its suffix says.
    """
    suffix = PurePath(name).suffix.lower()
    if _BY_SUFFIX.get(suffix) == "code":  # which may begin as a web page does, or name the first bytes of other formats
        return "code"
    told = _by_package(data, suffix) or _by_start(data, suffix)
    if told:
        return told
    by_suffix = _BY_SUFFIX.get(suffix, "")
    if by_suffix in ("pdf", "docx", "odt", "pptx", "xlsx", "epub"):
        if _BINARY.search(data[:_SNIFFED]):
            raise UnreadableFile(f"not a {suffix} file that can be opened: it is damaged or something else")
        return "text"
    return by_suffix or _guess(data, suffix)


def _by_start(data: bytes, suffix: str) -> str:
    head = data[:_SNIFFED]
    if head.startswith(b"%PDF-") or (b"%PDF-" in head[:1024] and _BINARY.search(data[:100_000])):
        return "pdf"
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(_OLE):
        raise _old_office(data, suffix)
    for magic, reason in _MAGIC:
        if head.startswith(magic) and _BINARY.search(head):
            raise Unsupported(reason)
    if _HTML.match(_narrow(head)) and suffix not in (".md", ".mdx", ".markdown", ".rst"):
        return "html"
    return ""


def _narrow(head: bytes) -> bytes:
    """Return text that begins with a byte order mark of UTF-16 in UTF-8."""
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return head.decode("utf-16", "ignore").encode("utf-8", "ignore") if wide else head


def _old_office(data: bytes, suffix: str) -> UnreadableFile:
    if "EncryptedPackage".encode("utf-16-le") in data[:2_000_000]:
        return UnreadableFile("an encrypted Office file: save it without a password")
    better = _OLD_OFFICE.get(suffix, "a newer format")
    return Unsupported(f"an old Office format: save it as {better}")


def _by_package(data: bytes, suffix: str) -> str:
    """Look into a ZIP archive, which most office formats are."""
    if not data.startswith(b"PK\x03\x04"):
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            types = _first_bytes(archive, "[Content_Types].xml", 200_000) if "[Content_Types].xml" in names else b""
            mimetype = _first_bytes(archive, "mimetype", 200) if "mimetype" in names else b""
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise UnreadableFile("a damaged or truncated file") from error
    if b"epub" in mimetype or "META-INF/container.xml" in names:
        return "epub"
    if b"opendocument" in mimetype or ("content.xml" in names and "styles.xml" in names):
        if b"opendocument" in mimetype and b"opendocument.text" not in mimetype:
            raise Unsupported("an OpenDocument sheet or slides: save it as .xlsx or .pptx")
        return "odt"
    main = re.findall(rb'ContentType="([^"]*\.main\+xml)"', types)
    for mark, kind in _PACKAGES:
        if any(mark in one for one in main):
            return kind
    if _BY_SUFFIX.get(suffix) in ("docx", "pptx", "xlsx", "odt", "epub"):
        raise UnreadableFile("a damaged file: parts of it are missing")
    raise Unsupported("an archive: unpack it first")


def _first_bytes(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    with archive.open(name) as file:
        return file.read(limit)


def _guess(data: bytes, suffix: str) -> str:
    """Tell a file whose suffix says nothing: mail, or any other text."""
    # on first use: the scan, which looks at names only, needs no detector of languages
    from index.readers.encodings import is_wide_text

    head = data[:_SNIFFED]
    if head.startswith(b"From ") and _MAIL.match(head[head.find(b"\n") + 1 :].replace(b"\r\n", b"\n")):
        return "mbox"
    if _MAIL.match(head.replace(b"\r\n", b"\n")) and re.search(rb"^(?:From|Subject):", head, re.MULTILINE | re.IGNORECASE):
        return "eml"
    if _BINARY.search(head) and not is_wide_text(head):
        raise Unsupported(f"no reader for files {suffix or 'that have no suffix'}")
    return "text"
