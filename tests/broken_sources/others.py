"""What is no mail, or mail in a form that is not read: each is named for what it is."""

from __future__ import annotations

import random
from collections.abc import Iterator

from broken_sources.made import Broken, file

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
OTHERS = {
    "packing": {
        "7z": b"7z\xbc\xaf\x27\x1c\0\4", "rar, version 4": b"Rar!\x1a\x07\0", "rar, version 5": b"Rar!\x1a\x07\1\0", "cab": b"MSCF\0\0", "lz4": b"\x04\x22\x4d\x18",
        "lzip": b"LZIP\1", "compress": b"\x1f\x9d\x90", "lzma": b"\x5d\0\0\x80\0", "lzop": b"\x89LZO\0\r\n", "arj": b"\x60\xea", "ar": b"!<arch>\n", "cpio": b"070701",
        "old cpio": b"070707", "lha": b"\x20\x20-lh5-", "ace": b"\0" * 7 + b"**ACE**", "StuffIt": b"SIT!", "xar": b"xar!",
    },
    "mail_format": {
        "Outlook (.pst)": b"!BDN", "Outlook (.msg)": OLE + "__properties_version1.0".encode("utf-16-le"), "Outlook (winmail.dat)": b"\x78\x9f\x3e\x22",
        "Outlook Express": b"\xcf\xad\x12\xfe", "UW IMAP (mbx)": b"*mbx*\r\n", "UW IMAP (mix)": b"*mix*", "Emacs (Babyl)": b"BABYL OPTIONS: -*- rmail -*-\n",
        "MMDF": b"\1\1\1\1\nFrom: a@b.example\n\nx\n\1\1\1\1\n", "Notes": b"\x1a\0\0\4\0\0", "Thunderbird's index": b'// <!-- <mdb:mork:z v="1.4"/> -->',
    },
    "not_mail": {
        "PDF": b"%PDF-1.4\n", "PNG": b"\x89PNG\r\n\x1a\n", "GIF": b"GIF89a", "JPEG": b"\xff\xd8\xff\xe0", "SQLite": b"SQLite format 3\0", "a program of Linux": b"\x7fELF",
        "a program of Windows": b"MZ\x90\0", "RTF": b"{\\rtf1", "a web page": b"<!DOCTYPE html><html>", "XML": b"<?xml version='1.0'?>", "a Word document": OLE,
        "an address card": b"BEGIN:VCARD\nVERSION:3.0\n", "a calendar": b"BEGIN:VCALENDAR\n", "Parquet": b"PAR1", "Ogg": b"OggS", "prose": b"Dear friend,\nall is well.\n",
        "prose that begins with From": b"From here to eternity\nall is well.\n", "JSON": b'{"subject": "x"}\n', "spaces": b" " * 600,
    },
}  # fmt: skip


def others() -> Iterator[Broken]:
    for code, found in OTHERS.items():
        for name, head in found.items():
            data = head if head.isascii() and b"\0" not in head and len(head) > 20 else head + bytes(700)
            yield Broken(
                "something else", name, file(data, "source.msg" if "msg" in name else "source"), refused=(code,)
            )
    noise = random.Random(20110316)
    for n in range(5):
        data = b"\x80" + noise.randbytes(4000)
        yield Broken("something else", f"noise, {n + 1}", file(data), refused=("not_mail",))
    yield Broken("something else", "zeros", file(bytes(5000)), refused=("not_mail",))
