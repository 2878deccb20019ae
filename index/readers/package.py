"""Opens the ZIP packages that office formats and e-books are, and refuses those made to fill the memory."""

from __future__ import annotations

import io
import zipfile
import zlib

from index.errors import UnreadableFile

MAX_UNPACKED = 300_000_000
MAX_MEMBERS = 10_000
_BIG_MEMBER = 50_000_000
_MAX_RATIO = 200  # of a big member: text rarely packs better than 1 : 30, a bomb 1 : 1000
_CHUNK = 1 << 20
_LOCAL_HEADER = 30  # bytes before a member's name; the lengths of its name and extra field are the last four


def open_package(data: bytes) -> zipfile.ZipFile:
    """Open a ZIP package after checking that all of it may be unpacked into memory.

    Raises UnreadableFile, with the reason, for a bomb, a package with a password, and a damaged one.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError) as error:
        raise UnreadableFile("a damaged or truncated file") from error
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise UnreadableFile(f"holds more than {MAX_MEMBERS:,} files")
    if sum(member.file_size for member in members) > MAX_UNPACKED:
        raise UnreadableFile(f"unpacks to more than {MAX_UNPACKED // 1_000_000} MB")
    for member in members:
        _check_member(data, member)
    return archive


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return one member of a package that `open_package` opened; raises UnreadableFile if it is missing or damaged."""
    try:
        return archive.read(name)
    except KeyError as error:
        raise UnreadableFile(f"a damaged file: {name} is missing") from error
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError) as error:
        raise UnreadableFile(f"a damaged file: {name} cannot be unpacked") from error


def _check_member(data: bytes, member: zipfile.ZipInfo) -> None:
    if member.flag_bits & 0x1:
        raise UnreadableFile("protected with a password: save it without one")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableFile("packed in a way that no office program uses")
    if member.file_size > max(_BIG_MEMBER, _MAX_RATIO * member.compress_size):
        raise UnreadableFile(f"unpacks to more than {_MAX_RATIO} times its size")
    if member.compress_type == zipfile.ZIP_DEFLATED and _unpacks_beyond(data, member):
        raise UnreadableFile("a damaged file: it unpacks to more than it says")


def _unpacks_beyond(data: bytes, member: zipfile.ZipInfo) -> bool:
    """Say whether a member is longer than the directory says: zipfile would unpack all of it before cutting it off."""
    at = member.header_offset
    lengths = data[at + _LOCAL_HEADER - 4 : at + _LOCAL_HEADER]
    start = at + _LOCAL_HEADER + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    packed = data[start : start + member.compress_size]
    inflate, unpacked = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        while packed and not inflate.eof and unpacked <= member.file_size:
            unpacked += len(inflate.decompress(packed, _CHUNK))
            packed = inflate.unconsumed_tail
    except zlib.error:
        return False  # damaged, which whoever reads this member will find; a damaged picture harms nobody
    return unpacked > member.file_size
