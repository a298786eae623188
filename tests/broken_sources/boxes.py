"""Mailboxes and single messages: cut, mixed, endless, in old forms, in the wrong encoding."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from broken_sources.made import FROM, ONE, SIX, Broken, box, file, message


def boxes() -> Iterator[Broken]:
    family, six, whole = "mbox", tuple(SIX), box(SIX)
    yield Broken(family, "the last line end is missing", file(whole[:-2]), (*six[:5], SIX[5][:-1]))
    yield Broken(family, "cut within the last body", file(whole[:-5]), (*six[:5], SIX[5][:-4]))
    yield Broken(
        family, "cut within the last From line", file(box(SIX[:5]) + FROM[:20]), (*six[:4], SIX[4] + b"\n" + FROM[:20])
    )
    header = SIX[5][:100]
    yield Broken(
        family,
        "cut within the last header",
        file(box(SIX[:5]) + FROM + header),
        (*six[:5], header),
        defects=("no_subject",),
    )
    yield Broken(family, "only a From line", file(FROM), (b"",), defects=("empty_message",))
    yield Broken(family, "empty lines first", file(b"\n\r\n\n" + whole), six)
    yield Broken(family, "a byte order mark first", file(b"\xef\xbb\xbf" + whole), six)
    yield Broken(family, "UTF-16", file(b"\xff\xfe" + whole.decode().encode("utf-16-le")), refused=("mail_format",))
    yield Broken(family, "line ends of an old Mac", file(whole.replace(b"\n", b"\r")), refused=("mail_format",))
    crlf = [m.replace(b"\n", b"\r\n") for m in SIX]
    yield Broken(family, "line ends of DOS", file(whole.replace(b"\n", b"\r\n")), tuple(crlf))
    mixed = [m if n % 2 else m.replace(b"\n", b"\r\n") for n, m in enumerate(SIX)]
    yield Broken(family, "line ends of both kinds", file(box(mixed)), tuple(mixed))
    prose = message(7, b"hello\n\nFrom here to there\nFrom 10:30 on we sell\n")
    yield Broken(family, "lines of a body begin with From", file(box([prose, *SIX])), (prose, *six))
    counted = message(8).replace(b"\n\n", b"\nContent-Length: 99999\n\n", 1)
    yield Broken(
        family,
        "a Content-Length that lies",
        file(box([counted, *SIX])),
        (counted, *six),
        defects=("content_length_wrong",),
    )
    inner = b"one\n\n" + FROM + b"Subject: y\n\ntwo\n"
    true = message(9).replace(b"\n\nhello\n", b"\nContent-Length: %d\n\n" % len(inner) + inner, 1)
    yield Broken(
        family,
        "a message within, by its Content-Length",
        file(box([true, *SIX])),
        (true, *six),
        defects=("from_line_in_body",),
    )
    nul = message(10, b"hello\0\0\0world\n")
    yield Broken(family, "NUL bytes in a body", file(box([nul, *SIX])), (nul, *six))
    nul = message(11).replace(b"Order", b"Or\0der")
    yield Broken(family, "NUL bytes in a header", file(box([nul, *SIX])), (nul, *six))
    hole = message(12, b"hello\n" + bytes(100_000) + b"\n")
    yield Broken(family, "a hole of zeros, as after a crash", file(box([hole, *SIX])), (hole, *six))
    noise = message(13, bytes(range(256)).replace(b"\n", b"") * 40 + b"\n")
    yield Broken(family, "noise in a body", file(box([noise, *SIX])), (noise, *six))
    line = message(14, b"a" * 10_000_000 + b"\n")
    yield Broken(family, "a line of 10 MB", file(box([line, *SIX])), (line, *six), defects=("text_in_part",))
    long = b"X-Long: " + b"y" * 10_000_000 + b"\n" + message(15)
    yield Broken(family, "a header field of 10 MB", file(box([long, *SIX])), (long, *six), defects=("header_in_part",))
    many = b"".join(b"X-%d: y\n" % n for n in range(200_000)) + message(16)
    yield Broken(family, "200,000 header fields", file(box([many, *SIX])), (many, *six), defects=("header_in_part",))
    endless = message(17).replace(b"\n\n", b"\n", 1) + b"more words\n" * 1000
    yield Broken(
        family, "a header without an end", file(box([endless, *SIX])), (endless, *six), defects=("no_header_end",)
    )
    yield Broken(family, "no clock in the From line", file(b"From x\n" + SIX[0]), six[:1])
    yield Broken(family, "two From lines together", file(FROM + whole), (b"", *six), defects=("empty_message",))
    yield Broken(
        family,
        "empty lines only behind a From line",
        file(FROM + b"\n\n\n" + whole),
        (b"\n\n", *six),
        defects=("no_subject",),
    )
    for name, field, body, defect in (
        ("base64 that is none", b"Content-Transfer-Encoding: base64", b"!!!*** not base64 ***!!!\n", "transfer_encoding"),
        ("a charset that nobody knows", b"Content-Type: text/plain; charset=klingon", b"caf\xe9\n", "charset_overruled"),
        ("a type that is none", b"Content-Type: nonsense", b"x\n", "bad_content_type"),
        ("a second Subject", b"Subject: again", b"x\n", "many_subjects"),
        ("a second From", b"From: c@d.example", b"x\n", "many_from"),
        ("a packing of Outlook within", b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64", b"eJ8+IgEA\n", "tnef_inside"),
        ("2,000 parts", b"Content-Type: multipart/mixed; boundary=B", b"--B\n\nx\n" * 2000 + b"--B--\n", "too_many_parts"),
        ("300 multiparts one in another", b"Content-Type: multipart/mixed; boundary=B", b"--B\nContent-Type: multipart/mixed; boundary=B\n\n" * 300, "too_many_parts"),
        ("an encoded word of a charset that nobody knows", b"From: =?klingon?Q?caf=E9?= <a@b.example>", b"x\n", "many_from"),
    ):  # fmt: skip
        odd = message(18, body).replace(b"\n\n", b"\n" + field + b"\n\n", 1)
        yield Broken(family, name, file(box([odd, *SIX])), (odd, *six), defects=(defect,))
    undated = b"Subject: x\n\nx\n"
    yield Broken(family, "a time that cannot be", aged(b"From x Mon Mar  7 10:00:00 1871\n" + undated + b"\n" + whole), six, ("no_time",), options=("--time", "envelope"))  # fmt: skip


def aged(data: bytes) -> Callable[[Path], Path]:
    """A file of 1973."""

    def make(folder: Path) -> Path:
        (folder / "old.eml").write_bytes(data)
        os.utime(folder / "old.eml", (100_000_000, 100_000_000))
        return folder / "old.eml"

    return make


def singles() -> Iterator[Broken]:
    family, one = "one message", ONE[0]
    yield Broken(
        family,
        "a byte order mark first",
        file(b"\xef\xbb\xbf" + one),
        (b"\xef\xbb\xbf" + one,),
        defects=("byte_order_mark",),
    )
    yield Broken(
        family,
        "UTF-16, little end first",
        file(b"\xff\xfe" + one.decode().encode("utf-16-le")),
        refused=("mail_format",),
    )
    yield Broken(
        family, "UTF-16, big end first", file(b"\xfe\xff" + one.decode().encode("utf-16-be")), refused=("mail_format",)
    )
    yield Broken(family, "UTF-16 without a mark", file(one.decode().encode("utf-16-le")), refused=("not_mail",))
    yield Broken(
        family,
        "of Apple Mail (.emlx)",
        file(b"%d \n" % len(one) + one + b'<?xml version="1.0"?><plist/>'),
        refused=("mail_format",),
    )
    yield Broken(family, "no bytes", file(b""), refused=("empty",))
    yield Broken(family, "one byte", file(b"S"), refused=("not_mail",))
    yield Broken(family, "one line end", file(b"\n"), refused=("not_mail",))
    yield Broken(family, "one field without a value", file(b"Subject:"), (b"Subject:",), defects=("no_from",))
    yield Broken(family, "NUL bytes in the header", file(one.replace(b"Order", b"Or\0der")), refused=("not_mail",))
    late = one + b"\0" * 9000
    yield Broken(family, "NUL bytes late in the body", file(one + b"x" * 9000 + b"\0"), (one + b"x" * 9000 + b"\0",))
    yield Broken(family, "zeros to its end, as after a crash", file(late), refused=("not_mail",))
    yield Broken(
        family,
        "no empty line",
        file(one.replace(b"\n\n", b"\n")),
        (one.replace(b"\n\n", b"\n"),),
        defects=("no_header_end",),
    )
    yield Broken(family, "no header", file(b"Dear friend,\nbuy this\n"), refused=("not_mail",))
    yield Broken(family, "from before there was mail", aged(b"Subject: x\n\nx\n"), refused=("no_time",))
    undated = one.replace(b"Date: Mon, 7 Mar 2011 10:00:00 +0000", b"Date: yesterday")
    yield Broken(family, "a Date that is none", file(undated), (undated,), defects=("bad_date",))
    yield Broken(family, "line ends of an old Mac", file(one.replace(b"\n", b"\r")), refused=("mail_format",))
    yield Broken(family, "a name of 255 bytes", file(one, "n" * 255), (one,))
    yield Broken(family, "a name with a line end and an escape", file(one, "a\nb\x1b[31m.eml"), (one,))
    yield Broken(family, "a name that is no UTF-8", file(one, os.fsdecode(b"caf\xe9\xff.eml")), (one,))
    yield Broken(family, "a name of spaces", file(one, "   "), (one,))
