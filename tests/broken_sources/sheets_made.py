"""Counts from spreadsheets: what is taken, what is asked back, what is refused."""

from __future__ import annotations

from collections.abc import Iterator

from broken_sources.made import Broken, file

LONG = "time,series,count,exposure\n2011-03-15,volume,1000,1\n2011-03-16,volume,250,0.5\n"


def sheets() -> Iterator[Broken]:
    family = "counts"

    def taken(name: str, text: str | bytes, counts: int, *options: str) -> Broken:
        data = text if isinstance(text, bytes) else text.encode()
        return Broken(family, name, file(data, "source.csv"), counts=counts, options=options)

    def bad(name: str, text: str | bytes, error: str = "bad_counts", *options: str) -> Broken:
        data = text if isinstance(text, bytes) else text.encode()
        return Broken(family, name, file(data, "source.csv"), error=error, options=options)

    semi = LONG.replace(",", ";")
    yield taken("commas", LONG, 2)
    yield taken("a byte order mark", b"\xef\xbb\xbf" + LONG.encode(), 2)
    yield taken(
        "UTF-16 with tabs, as Excel's Unicode text", b"\xff\xfe" + LONG.replace(",", "\t").encode("utf-16-le"), 2
    )
    yield taken("semicolons and decimal commas", semi.replace("0.5", "0,5"), 2)
    yield taken("a line that names the separator", "sep=;\n" + semi, 2)
    yield taken("thousands in quotes", 'time,count\n2011-03-15,"1,000"\n2011-03-16,"12,250"\n', 2)
    yield taken("decimal commas in quotes", 'time,count,exposure\n2011-03-15,1000,"0,5"\n', 1)
    yield taken("empty lines and empty rows at the end", LONG + "\n,,,\n\n", 2)
    yield taken("line ends of DOS", LONG.replace("\n", "\r\n"), 2)
    yield taken("days that tell their order", "date;count\n16.03.2011;5\n01.04.2011;6\n", 2)
    yield taken("months that tell their order", "date,count\n3/16/2011,5\n4/1/2011,6\n", 2)
    yield taken("days first, as was said", "date,count\n01/02/2011,5\n02/02/2011,6\n", 2, "--dates", "day-first")
    yield taken("months first, as was said", "date,count\n01/02/2011,5\n02/02/2011,6\n", 2, "--dates", "month-first")
    yield taken("one column a series", "Date;Viagra;Cialis\n2011-03-15;5;6\n2011-03-16;7;\n", 4)
    yield taken("thousands with points, as was said", "date;count\n2011-03-15;1.234\n", 1, "--decimal", "comma")
    yield bad("days or months", "date,count\n01/02/2011,5\n02/02/2011,6\n", "ambiguous_dates")
    yield bad("days or months, with points", "date;count\n01.02.2011;5\n", "ambiguous_dates")
    yield bad("thousands or thousandths", "date;count\n2011-03-15;1.234\n", "ambiguous_numbers")
    yield bad("days and months", "date,count\n16/03/2011,5\n03/17/2011,6\n")
    yield bad(
        "months first was said, and is not so", "date,count\n16/03/2011,5\n", "bad_counts", "--dates", "month-first"
    )
    yield bad("years of two digits", "date,count\n16/03/11,5\n")
    yield bad("day numbers of a spreadsheet", "date,count\n40618,5\n")
    yield bad("a day that is none", "time,count\n2011-02-30,5\n")
    yield bad("a time without its zone", "time,count\n2011-03-16T10:00:00,5\n")
    yield bad("a time at the beginning of time", "time,count\n0001-01-01T00:00:00+14:00,5\n")
    yield bad("a decimal comma that parts a cell", "time,count\n2011-03-16,1,5\n")
    yield bad("a row that is too short", LONG + "2011-03-17,volume\n")
    yield bad("a sum at the end", LONG + "Total,volume,1250,\n")
    yield bad("a time that stands twice", LONG + "2011-03-16,volume,7,1\n")
    yield bad("no column of times", "when,count\n2011-03-16,5\n")
    yield bad("no column of counts", "time,exposure\n2011-03-16,1\n")
    yield bad("two columns of one name", "time,a,a\n2011-03-16,1,2\n")
    yield bad("a column without a name", "time,a,\n2011-03-16,1,2\n")
    yield bad("words for numbers", "time,count\n2011-03-16,many\n")
    yield bad("a formula", "time,count\n2011-03-16,=1+1\n")
    yield bad("a count below 0", "time,count\n2011-03-16,-5\n")
    yield bad("no number (nan)", "time,count\n2011-03-16,nan\n")
    yield bad("an exposure above 1", "time,count,exposure\n2011-03-16,5,24\n")
    yield bad("only a header", "time,count\n")
    yield bad("an open quote", 'time,count\n2011-03-16,"5\n')
    yield bad("Latin-1", "time,Zähler\n2011-03-16,5\n".encode("latin-1"))
    yield bad("a workbook that is called .csv", b"PK\x03\x04" + bytes(range(256)) * 4)
    yield bad("zeros", bytes(4000))
    yield bad("no bytes", b"")
