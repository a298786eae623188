"""What is no mail that can be read, by its first bytes: named for what it is, with what to do about it."""

from __future__ import annotations

import re

from spamtide.capture.items import Refused

# Bytes of a file that are looked at.
HEAD = 64 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROPERTIES = "__properties_version1.0".encode("utf-16-le")
_UNPACK = "is not read; unpack it, import what comes out"
# Packings and archives that are not read: where their magic stands, the magic, their name.
_PACKINGS = (
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"), (0, b"Rar!\x1a\x07", "a rar archive"), (0, b"MSCF", "a cab archive"),
    (0, b"\x04\x22\x4d\x18", "lz4"), (0, b"LZIP", "lzip"), (0, b"\x1f\x9d", "packed with compress (.Z)"),
    (0, b"\x5d\x00\x00", "lzma"), (0, b"\x89LZO", "lzop"), (0, b"\x60\xea", "an arj archive"), (0, b"!<arch>\n", "an ar archive"),
    (0, b"070701", "a cpio archive"), (0, b"070707", "a cpio archive"), (2, b"-lh", "an lha archive"), (7, b"**ACE**", "an ace archive"),
    (0, b"PK\x07\x08PK", "the first volume of a divided zip"), (0, b"SIT!", "a StuffIt archive"), (0, b"xar!", "a xar archive"),
)  # fmt: skip
# Mail that is not read: magic, what it is, what turns it into mail.
_MAIL = (
    (b"!BDN", "a folder file of Outlook (.pst, .ost)", "export it, for instance with readpst, and import that"),
    (b"\xcf\xad\x12\xfe", "a folder of Outlook Express (.dbx)", "export it, for instance with undbx, and import that"),
    (b"\x78\x9f\x3e\x22", "a packing of Outlook (winmail.dat)", "unpack it, for instance with ytnef"),
    (b"*mbx*\r\n", "a mailbox of UW IMAP (.mbx)", "copy it to an mbox, for instance with mailutil, and import that"),
    (b"*mix*", "a mailbox of UW IMAP (mix)", "copy it to an mbox, for instance with mailutil, and import that"),
    (b"BABYL OPTIONS:", "a mailbox of Emacs (Babyl)", "save it as an mbox and import that"),
    (b"\x01\x01\x01\x01\n", "a mailbox of MMDF", "save it as an mbox, for instance with mutt, and import that"),
    (b"\x1a\x00\x00\x04\x00\x00", "a database of Notes (.nsf)", "export it as .eml and import that"),
    (b"\xff\xfe", "text in UTF-16, which no mail is", "import the message as it came"),
    (b"\xfe\xff", "text in UTF-16, which no mail is", "import the message as it came"),
    (b"// <!-- <mdb:mork", "an index of Thunderbird (.msf)", "the mail is in the file beside it, without .msf"),
)
_OTHER = (
    (b"%PDF-", "a PDF document"), (b"\x89PNG\r\n\x1a\n", "an image (PNG)"), (b"GIF87a", "an image (GIF)"), (b"GIF89a", "an image (GIF)"),
    (b"\xff\xd8\xff", "an image (JPEG)"), (b"\x7fELF", "a program (ELF)"), (b"SQLite format 3\0", "a database (SQLite)"),
    (b"{\\rtf", "a text in RTF"), (b"OggS", "sound or video (Ogg)"), (b"PAR1", "a table (Parquet)"), (b"BEGIN:VCARD", "an address card"),
    (b"BEGIN:VCALENDAR", "a calendar"),
)  # fmt: skip
_EMLX = re.compile(rb"\d{1,10} *\n[\x21-\x39\x3b-\x7e]+:")


def known(head: bytes, name: str) -> Refused | None:
    """The refusal of what ``head`` begins, if its kind is known."""
    for at, magic, what in _PACKINGS:
        if head.startswith(magic, at):
            return Refused(name, f"{what}, which {_UNPACK}", "packing")
    for magic, what, then in _MAIL:
        if head.startswith(magic):
            return Refused(name, f"{what}; {then}", "mail_format")
    if head.startswith(_OLE):
        if _PROPERTIES in head or name.lower().endswith(".msg"):
            what, then = "a message of Outlook (.msg)", "save it as .eml, for instance with msgconvert, and import that"
            return Refused(name, f"{what}; {then}", "mail_format")
        return not_mail(name, "an Office document or another OLE file")
    if _EMLX.match(head):
        return Refused(name, "a message of Apple Mail (.emlx); export it as an mbox and import that", "mail_format")
    lower = head[:512].lstrip().lower()
    if lower.startswith((b"<!doctype html", b"<html")):
        return not_mail(name, "a web page")
    if lower.startswith(b"<?xml"):
        return not_mail(name, "XML")
    if head.startswith(b"MZ") and b"\0" in head[:128]:
        return not_mail(name, "a program of Windows or DOS")
    return next((not_mail(name, what) for magic, what in _OTHER if head.startswith(magic)), None)


def not_mail(name: str, what: str = "") -> Refused:
    """The refusal of what is no mail at all."""
    return Refused(name, "neither an mbox nor a message" + (f", but {what}" if what else ""), "not_mail")


def document(names: set[str]) -> str | None:
    """What a zip with these members is, if it is no archive to its owner."""
    if "[Content_Types].xml" in names:
        return "an Office document"
    if "mimetype" in names and ("META-INF/manifest.xml" in names or "META-INF/container.xml" in names):
        return "a document (OpenDocument or EPUB)"
    return "a Java archive" if "META-INF/MANIFEST.MF" in names else None
