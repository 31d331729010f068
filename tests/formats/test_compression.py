"""Files that are gzipped, or should be: every reader refuses a damaged one by its name."""

import gzip
import re

import pytest

from angel_hf.formats.bioc import read_bioc
from angel_hf.formats.compression import open_bytes
from angel_hf.formats.genbioel import read_genbioel
from angel_hf.formats.obo import read_obo
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.formats.term_json import read_term_json

CONTENTS = {
    read_bioc: b"<collection><document><id>1</id></document></collection>",
    read_genbioel: b'{"D1": ["a"]}',
    read_obo: b"format-version: 1.2\n\n[Term]\nid: A:1\nname: a\n",
    read_pubtator: b"1|t|A\n1|a|B\n\n",
    read_term_json: b'[{"id": "1", "name": "a"}]',
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


def test_what_is_decompressed_is_what_was_compressed_however_it_is_read(tmp_path):
    content = b"".join(b"%d\n" % number for number in range(100_000))
    (tmp_path / "file.gz").write_bytes(gzip.compress(content))
    for read in (lambda stream: stream.read(), b"".join, lambda stream: b"".join(iter(lambda: stream.read(1000), b""))):
        with open_bytes(tmp_path / "file.gz") as stream:
            assert read(stream) == content


def test_a_file_that_is_absent_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_bytes(tmp_path / "absent.gz")
