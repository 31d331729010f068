"""Values of OBO tags: escapes, quotes, qualifiers and comments, each against what the specification says of it."""

import contextlib
import time

import pytest

from angel_hf.formats.obo_values import quoted, reference, unquoted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" Renal cyst ", "Renal cyst"),
        (r"a\:b \{not a qualifier\} \! no comment", "a:b {not a qualifier} ! no comment"),
        (r"tab\tline\nspace\W.", "tab line space ."),
        ('x {source="a, \\"b\\" ! {c}", date="1"} ! comment', "x"),
        ('x{source="a"}', "x"),
        ("x ! comment {a}", "x"),
        ("a{x} {y}", "a{x} {y}"),
        ('set {a="1"} of b', 'set {a="1"} of b'),
        ("wow! fever", "wow! fever"),
        ('type 2: the "second", of 3', 'type 2: the "second", of 3'),
        ("ends in backslash\\", "ends in backslash\\"),
        ("! only a comment", ""),
    ],
)
def test_a_value_without_quotes_ends_at_qualifiers_or_comment(value, text):
    assert unquoted(value) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"a b" EXACT []', ("a b", "EXACT", "")),
        ('"a" NARROW LAY [DM:a b, "x" {date=2011}] {lang="de"} ! c', ("a", "NARROW", "LAY")),
        ('"a"', ("a", "", "")),
        ('"a" []', ("a", "", "")),
        ('"a" EXACT', ("a", "EXACT", "")),
        ('"a"EXACT[]', ("a", "EXACT", "")),
        ('"a" PLURAL []', ("a", "", "PLURAL")),
        (r'"an \"a\", \\" RELATED []', ('an "a", \\', "RELATED", "")),
        ('"2\',5"-linked dimer" EXACT IUPAC_NAME [IUPAC:]', ("2',5\"-linked dimer", "EXACT", "IUPAC_NAME")),
        ('"5" long thing" EXACT []', ('5" long thing', "EXACT", "")),
        ('"5" EXACT thing" BROAD []', ('5" EXACT thing', "BROAD", "")),
        ('"5" [b" EXACT []', ('5" [b', "EXACT", "")),
        ('"5" {b" EXACT []', ('5" {b', "EXACT", "")),
        ('"a" EXACT [x:1 "a ] in quotes", y:\\]2]', ("a", "EXACT", "")),
    ],
)
def test_a_quote_ends_the_text_only_where_the_rest_of_a_value_follows(value, expected):
    assert quoted(value) == expected


@pytest.mark.parametrize("value", ["bare EXACT []", '"open', '"a" EXACT [open', '"a" EXACT [] more'])
def test_what_is_no_text_in_quotes_is_refused_whole(value):
    with pytest.raises(ValueError, match="quote"):
        quoted(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('UMLS:C1 "text" {source="x"} ! y', "UMLS:C1"),
        ("KEGG COMPOUND:70", "KEGG COMPOUND:70"),
        ('a:"b" c', 'a:"b" c'),
        (r"http\://x.y/z", "http://x.y/z"),
    ],
)
def test_a_cross_reference_ends_before_its_description(value, expected):
    assert reference(value) == expected


LONG = 40_000


@pytest.mark.parametrize(
    "piece",
    [
        " ",
        "{",
        "}",
        '"',
        "\\",
        "!",
        " {a=",
        ' {a="',
        '{a="b"} ',
        '"[',
        '"[ ',
        "[",
        '" EXACT ',
        '",',
        'a" ',
        '\\"',
        " x",
    ],
)
def test_a_long_value_is_read_in_time_linear_in_its_length(piece):
    value = piece * (LONG // len(piece))
    for text in (value, f'"{value}', f'"a" EXACT [{value}', f'"{value}" EXACT []', f"x {value} z", f'{value}"]x'):
        start = time.process_time()
        unquoted(text)
        reference(text)
        with contextlib.suppress(ValueError):
            quoted(text)
        assert time.process_time() - start < 1
