"""Files of UMLS's Rich Release Format: a row a line, every cell closed by a bar, no quoting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.vocabularies.folder import file_in, placed
from angel_hf.formats.vocabularies.names import is_identifier, shown
from angel_hf.formats.vocabularies.rows import Row

# Columns as the UMLS Reference Manual gives them, chapter 3.
COLUMNS = {
    "MRCONSO.RRF": "CUI LAT TS LUI STT SUI ISPREF AUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF",
    "MRSTY.RRF": "CUI TUI STN STY ATUI CVF",
    "MRREL.RRF": "CUI1 AUI1 STYPE1 REL CUI2 AUI2 STYPE2 RELA RUI SRUI SAB SL RG DIR SUPPRESS CVF",
    "MRDEF.RRF": "CUI AUI ATUI SATUI SAB DEF SUPPRESS CVF",
    "MRCUI.RRF": "CUI1 VER REL RELA MAPREASON CUI2 MAPIN",
    "MRRANK.RRF": "RANK SAB TTY SUPPRESS",
    "MRFILES.RRF": "FIL DES FMT CLS RWS BTS",
}


def read_rows(
    source: Source, columns: Sequence[str], wanted: Sequence[str], having: Sequence[str] = ()
) -> Iterator[Row | Rejected]:
    """The wanted cells of each row of a file that has some columns.

    Args:
        source: the file.
        columns: all that it has.
        wanted: two or more of them.
        having: rows without any of these strings are passed over unread, as most of the millions of MRREL are.
    """
    chosen = itemgetter(*(columns.index(name) for name in wanted))
    width = len(columns)
    for line in source.lines():
        text = line.text
        if having and not any(string in text for string in having) and line.fault is None:
            continue
        cells = text.split("|")
        if line.fault is not None or len(cells) not in (width, width + 1):
            if line.fault is not None or text.strip():
                came = f"{len(cells) - (not cells[-1])} columns; expected {width}: {', '.join(columns)}"
                yield Rejected(line.number, line.fault or came, text)
        else:
            yield Row(line.number, list(chosen(cells)), text)


@dataclass(slots=True)
class Table:
    """A file of a release, whose rows stand in the order of concepts.

    Args:
        folder: of the release.
        name: of the file.
        columns: of all, in order.
        rejected: what couldn't be read is appended here.
    """

    folder: Path
    name: str
    columns: Sequence[str]
    rejected: list[Rejected]

    @property
    def path(self) -> Path | None:
        """The file, gzipped or not; None where the release has none."""
        return file_in(self.folder, self.name)

    def rows(self, wanted: Sequence[str], having: Sequence[str] = ()) -> Iterator[Row]:
        """The wanted cells of each row; see `read_rows`."""
        if self.path is None:
            return
        with Source(self.path) as source:
            for row in read_rows(source, self.columns, wanted, having):
                if isinstance(row, Rejected):
                    self.rejected.append(placed(row, source))
                else:
                    yield row

    def groups(
        self, key: str, wanted: Sequence[str], having: Sequence[str] = ()
    ) -> Iterator[tuple[str, list[list[str]]]]:
        """The rows of each value of the column that the file is sorted by, read lazily.

        Raises:
            ValueError: the file is not sorted.
        """
        current, group = "", list[list[str]]()
        for row in self.rows((key, *wanted), having):
            value, *cells = row.cells
            if not is_identifier(value):
                cause = f"{key} is {shown(value)}; expected one such as C0000005"
                self.rejected.append(Rejected(row.line, cause, row.raw, str(self.path)))
                continue
            if value != current:
                if group:
                    yield current, group
                if value < current:
                    raise ValueError(unsorted(self.name, row.line, value, current))
                current, group = value, []
            group.append(cells)
        if group:
            yield current, group


def tables(folder: Path, rejected: list[Rejected]) -> dict[str, Table]:
    """The files of a release; MRFILES.RRF tells their columns, where it is there."""
    columns = {name: layout.split() for name, layout in COLUMNS.items()}
    described = Table(folder, "MRFILES.RRF", columns["MRFILES.RRF"], rejected)
    for row in described.rows(("FIL", "FMT")):
        name, layout = row.cells
        if name in columns and set(columns[name]) <= set(layout.split(",")):
            columns[name] = layout.split(",")
    return {name: Table(folder, name, columns[name], rejected) for name in COLUMNS}


def unsorted(name: str, line: int, value: str, before: str) -> str:
    """What is wrong with a file that is not sorted."""
    return (
        f"{name} is not sorted: line {line} has {value} after {before}; expected the order of the release, so that all "
        "files can be read side by side: sort it with `LC_ALL=C sort`"
    )
