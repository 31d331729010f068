"""Files that are gzipped, or should be: every reader refuses a damaged one by its name."""

import gzip
import re

import pytest

from angel_hf.formats.compression import DamagedError, open_bytes
from angel_hf.formats.documents import read_documents
from angel_hf.formats.lines import open_lines
from angel_hf.formats.ontologies import read_terms
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.formats.reading import Reading
from angel_hf.formats.source import Source

CONTENTS = {
    read_terms: b'{"D1": ["a"]}',
    read_pubtator: b"1|t|A\n1|a|B\n\n",
    open_lines: b"a\nb\n",
}


@pytest.mark.parametrize("read", CONTENTS, ids=lambda read: read.__name__)
def test_a_file_that_is_cut_short_damaged_or_only_named_gz_is_refused_by_its_name(tmp_path, read):
    path = tmp_path / "file.gz"
    whole = gzip.compress(CONTENTS[read])
    path.write_bytes(whole)
    assert list(read(path))
    damaged = whole[:10] + bytes([whole[10] ^ 0x06]) + whole[11:]
    for content in (CONTENTS[read], whole[:-9], whole[:-1], damaged):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: not a whole gzip file .*ends in .gz$"):
            list(read(path))


def test_a_gzipped_file_of_another_name_is_read_and_a_damaged_one_says_why(tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(gzip.compress("Ataxie à Zürich".encode()))
    with Source(path) as source:
        (document,) = read_documents(source, reading=Reading(mentions=False))
    assert (document.document_id, document.text) == ("note", "Ataxie à Zürich")
    path.write_bytes(gzip.compress(b"text" * 100)[:-4])
    with pytest.raises(DamagedError, match=r"note.txt: not a whole gzip file .*expected one, as it starts like one$"):
        Source(path)


def test_a_file_that_expands_beyond_measure_is_refused(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(80 << 20), 9))
    with pytest.raises(DamagedError, match=r"bomb.gz: a gzip file of [\d,]+ bytes that expands to more than"):
        for _ in iter(lambda: stream.read(1 << 20), b"") if (stream := open_bytes(path)) else ():
            pass
    stream.close()


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-8", b"\xef\xbb\xbf")]
)
def test_an_encoding_with_a_mark_is_read_and_the_mark_is_no_character(tmp_path, encoding, mark):
    path = tmp_path / "note.txt"
    path.write_bytes(mark + "β 😀\r\nataxia".encode(encoding))
    with Source(path) as source:
        assert [line.text for line in source.lines()] == ["β 😀", "ataxia"]


def test_broken_utf_16_and_utf_32_say_so_with_the_place(tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(b"\xff\xfe" + "ab".encode("utf-16-le") + b"\x00\xdc" + "c".encode("utf-16-le"))
    with Source(path) as source, pytest.raises(DamagedError, match=r"note.txt: not UTF-16-LE at byte 6 "):
        source.text()
    path.write_bytes("ab".encode("utf-32"))
    with pytest.raises(DamagedError, match="is UTF-32, by its byte-order mark; expected UTF-8 or UTF-16"):
        Source(path)


def test_what_is_decompressed_is_what_was_compressed_however_it_is_read(tmp_path):
    content = b"".join(b"%d\n" % number for number in range(100_000))
    (tmp_path / "file.gz").write_bytes(gzip.compress(content))
    for read in (lambda stream: stream.read(), b"".join, lambda stream: b"".join(iter(lambda: stream.read(1000), b""))):
        with open_bytes(tmp_path / "file.gz") as stream:
            assert read(stream) == content


def test_a_file_that_is_absent_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_bytes(tmp_path / "absent.gz")
