from spamtide import _kernel
from spamtide.fingerprint.facts import TABLES


def test_a_capture_pushed_is_counted() -> None:
    batch = _kernel.CaptureBatch()
    batch.push(0, b'{"v": 1, "time_origin": "file"}', b"Subject: x\r\n\r\nbody")
    assert len(batch) == 1


def test_no_table_has_two_columns_of_one_name() -> None:
    for columns in TABLES.values():
        assert len({c.name for c in columns}) == len(columns)
