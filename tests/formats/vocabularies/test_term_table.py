"""Tables of terms: known columns in whatever order and spelling, lists within cells, and what a bad row costs."""

import csv
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies import term_table, two_columns
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import read_text, rejections, retired, terms

read = term_table.read
ITCH = [Term(Concept("X:1", ("Zebra itch", "striped itch")))]


@pytest.mark.parametrize(
    "text",
    [
        "concept_id,name,synonyms\nX:1,Zebra itch,striped itch\n",
        "\ufeffID;Name\r\nX:1;Zebra itch\r\nX:1;striped itch\r\n",
        "name\tid\nZebra itch|striped itch\tX:1\n",
        "curie|label\nX:1|Zebra itch\nX:1|striped itch\n",
        "Preferred Name,Concept ID,Alt. Names\nZebra itch,X:1,striped itch\n",
        "code,term,aliases\nX:1,Zebra itch,Zebra itch;striped itch;\n",
        '"identifier","STR","other names"\n"X:1","Zebra itch","[\'striped itch\']"\n',
        'cui,names\nX:1,"[""Zebra itch"", ""striped itch""]"\n',
        "#id\tname\tnote\nX:1\tZebra itch\nX:1\tstriped itch\tmore\n",
    ],
)
def test_columns_are_known_by_many_names(text):
    assert term_table.is_term_table(text.removeprefix("\ufeff"))
    assert read_text(read, text) == ITCH


def test_everything_that_a_term_may_have():
    text = (
        "id,label,synonyms,definition,parents,semantic_type,xrefs,alt_ids\n"
        'X:1,Zebra itch,"itch, striped|ZI","An ""itch"".\nOf zebras.",X:0|X:9,T047;T184,MESH:D9|OMIM:9,X:8\n'
    )
    assert read_text(read, text) == [
        Term(
            Concept("X:1", ("Zebra itch", "itch, striped", "ZI"), ("X:8",), ("T047", "T184"), ("X:0", "X:9")),
            ("MESH:D9", "OMIM:9"),
            'An "itch". Of zebras.',
        )
    ]


def test_medcats_primary_name_is_the_preferred_one():
    text = (
        "cui,name,ontologies,name_status,type_ids,description\n"
        "C1,itch of zebras,SNOMED,A,T047|T184,\nC1,Zebra itch,SNOMED,P,T047|T184,An itch.\nC2,Gout,SNOMED,P,T047,\n"
    )
    assert read_text(read, text) == [
        Term(Concept("C1", ("Zebra itch", "itch of zebras"), semantic_types=("T047", "T184")), (), "An itch."),
        Term(Concept("C2", ("Gout",), semantic_types=("T047",))),
    ]


def test_synonyms_may_stand_in_several_columns():
    text = (
        "hgnc_id\tsymbol\tname\talias_symbol\tprev_symbol\talias_name\n"
        'HGNC:5\tGRN1\tgreen one\t"G1|GRNA"\tGR\tthe green one\nHGNC:6\tGRN2\tgreen two\n'
    )
    found = terms(read_text(read, text))
    assert found["HGNC:5"].concept.names == ("green one", "GRN1", "G1", "GRNA", "GR", "the green one")
    assert found["HGNC:6"].concept.names == ("green two", "GRN2")
    (term,) = read_text(read, "id,name,synonym1,Synonym 2\nX:1,a,b,c\n")
    assert term.concept.names == ("a", "b", "c")


def test_bioportals_columns_and_its_obsolete_classes():
    text = (
        "Class ID,Preferred Label,Synonyms,Definitions,Obsolete,CUI,Semantic Types,Parents\n"
        "http://x.org/1,Zebra itch,striped itch|ZI,An itch.,false,C0000001,T047,http://x.org/0\n"
        "http://x.org/2,Old itch,,,true,,,\n"
    )
    items = read_text(read, text)
    assert list(terms(items)) == ["http://x.org/1"] and retired(items) == {"http://x.org/2": ()}
    assert terms(items)["http://x.org/1"].concept.parents == ("http://x.org/0",)


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("X:2,", "no name in 'X:2,'; expected a first line with the columns concept_id and name"),
        (",nameless", "no id in ',nameless'; expected a first line"),
        ("X:2,itch, striped", "3 cells in 'X:2,itch, striped'; expected 2: id, name; a cell that holds the delimiter"),
        ('X:2,"open', "a cell opens with a quotation mark that is not closed"),
        ('X:2,"open" more', "a cell opens with a quotation mark that is not closed, or has text after it"),
        (b"X:2,na\xefve", "not UTF-8: byte 0xef at place 7 of the line"),
    ],
)
def test_a_bad_row_costs_that_row(row, cause):
    data = row if isinstance(row, bytes) else row.encode()
    items = read_text(read, b"id,name\nX:1,Zebra itch\n" + data + b"\nX:3,Gout\n\nX:4,Flu\n")
    assert list(terms(items)) == ["X:1", "X:3", "X:4"]
    ((line, told),) = rejections(items)
    assert line == 3 and told.startswith(cause)


def test_a_table_without_names_is_refused():
    with pytest.raises(ValueError, match="its columns are a, b; expected a first line with the columns concept_id"):
        read_text(read, "a,b\n1,2\n")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Z]{1,3}:[0-9]{1,5}", fullmatch=True),
            st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="|"), min_size=1),
            st.text(st.sampled_from("a ,;\t\"'\n|[]"), max_size=12),
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(",;\t"),
)
def test_what_the_csv_module_writes_is_read(rows, delimiter):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(("id", "name", "definition"))
    writer.writerows((one, name, f"x{text}") for one, name, text in rows)
    items = read_text(read, stream.getvalue())
    assert not rejections(items)
    found = [(item.concept.concept_id, name) for item in items for name in item.concept.names]
    assert found == list(deduplicated(rows))


def deduplicated(rows):
    """Rows of one identifier that follow each other hold each name once."""
    last, seen = None, set()
    for one, name, _ in rows:
        seen = seen if one == last else set()
        last = one
        if name not in seen:
            yield (one, name)
        seen.add(name)


def test_every_row_of_a_spoiled_table_is_read_or_rejected():
    chance = random.Random(3)
    good = "id,name,synonyms\n" + "".join(f'X:{n},"itch, kind {n}",a|b\n' for n in range(60))
    for _ in range(200):
        place = chance.randrange(17, len(good))
        spoiled = good[:place] + chance.choice('",\n\x00|;\\') + good[place + chance.randint(0, 1) :]
        items = read_text(read, spoiled)
        assert all(isinstance(item, (Term, Retired, Rejected)) for item in items)
        assert sum(isinstance(item, Term) for item in items) >= 57
        assert len({item.line for item in items if isinstance(item, Rejected)}) <= 3


@pytest.mark.parametrize("text", ["D1\tgout\nD1\tpodagra\nD2\tflu, bird\n", "D1,gout\nD1,podagra\nD2,flu\n"])
def test_two_columns_without_a_header_are_an_id_and_a_name(text):
    found = terms(read_text(two_columns.read, text))
    assert found["D1"].concept.names == ("gout", "podagra") and found.keys() == {"D1", "D2"}


@pytest.mark.parametrize(
    "text",
    [
        "some words\tof text 1\n",
        "D1,gout,more\n",
        "D1\t12\n",
        "first,second\n",
        "D1\tgout\nA note, 1\tflu\n",
        "D1\n",
        "",
    ],
)
def test_two_columns_that_might_be_anything_are_not_taken(text):
    assert two_columns.delimiter_of(text) is None
