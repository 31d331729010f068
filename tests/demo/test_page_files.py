"""Files of visitors on the page, in a real browser: their own names, and batches."""

import csv
import json

import pyarrow.parquet as pq
import pytest
from gradio_client import Client

from tests.demo.conftest import TEXT
from tests.demo.visiting import annotate, marks, picture, upload, use_own_names

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.json", b'{"X:1": ["Zebra itch", "striped itch"]}'),
        ("own.obo", b'format-version: 1.2\n\n[Term]\nid: X:1\nname: Zebra itch\nsynonym: "striped itch" EXACT []\n'),
        ("own.tsv", b"name\tid\nZebra itch|striped itch\tX:1\n"),
    ],
)
def test_other_formats_of_own_names_are_linked_too(visitor, name, content):
    page = visitor()
    annotate(page, "Striped itch, then Wilson disease.")
    assert marks(page) == ["Wilson disease"]
    use_own_names(page, name, content)
    page.wait_for_selector(".angel-status:has-text('your 1 concepts with 2 names')")
    # The text is marked anew, without another click.
    page.wait_for_selector("#marked .angel-mention:text-is('Striped itch')")
    assert marks(page) == ["Striped itch"]
    assert "X:1" in page.inner_text("#details")


def test_own_names_are_linked_at_once_and_nobody_else_sees_them(visitor):
    first, second = visitor(), visitor()
    use_own_names(first, "own.csv", b"concept_id,name,synonyms\nX:1,Zebra itch,striped itch\n")
    first.wait_for_selector(".angel-status:has-text('your 1 concepts')")
    annotate(first, "Striped itch, then Wilson disease.")
    annotate(second, "Striped itch, then Wilson disease.")
    assert (marks(first), marks(second)) == (["Striped itch"], ["Wilson disease"])
    assert "X:1" in first.inner_text("#details") and "take it as a hint" in first.inner_text("#details")
    assert "own 7 concepts" in second.inner_text(".angel-status")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("large.csv", b"id,name\n" + b"X:1,a name\n" * 1_000_000, "large.csv has 11.0 MB; this page takes 5 MB"),
        ("latin.csv", b"id,name\nX:1,na\xefve\n", "latin.csv is not a knowledge base: line 2: not UTF-8: byte 0xef"),
        ("wrong.csv", b"a,b\n1,2\n", "expected a first line with the columns concept_id and name"),
        ("<b>x.csv", b"a,b\n1,2\n", "is not a knowledge base"),
    ],
)
def test_bad_files_are_refused_in_words(visitor, name, content, message):
    page = visitor()
    page.locator("#settings > button").click()
    upload(page, "#own-names", name, content)
    page.wait_for_selector("#own-names :text('.csv')")
    page.click("#use")
    page.wait_for_selector(f".toast-body:has-text('{message}')")
    assert page.locator(".toast-body b:text-is('x.csv')").count() == 0


def test_hostile_names_are_shown_and_not_run(visitor):
    page = visitor()
    content = b'id,name\n"=cmd|\'/C calc\'!A0","<img src=x onerror=alert(1)> zebra itch"\n'
    use_own_names(page, "own.csv", content)
    page.wait_for_selector(".angel-status:has-text('your 1 concepts')")
    annotate(page, "img src=x onerror=alert(1)> zebra itch")
    page.wait_for_selector("#details h3")
    assert page.locator("#details img, #marked img").count() == 0
    assert "<img src=x" in page.inner_text("#details")


def test_a_batch_gives_files_that_match_the_api(visitor, address, tmp_path):
    page = visitor()
    page.get_by_role("tab", name="Batch").click()
    upload(page, "#documents", "documents.csv", f'id,text\na,"{TEXT}"\nb,anemia\n'.encode())
    page.wait_for_selector("#documents :text('documents')")
    page.click("#run-batch")
    page.wait_for_selector("#batch-done:has-text('mentions in 2 documents')")
    picture(page, "batch")
    with page.expect_download() as download:
        page.locator("#parquet a[download]").first.click()
    download.value.save_as(tmp_path / "annotations.parquet")
    rows = pq.read_table(tmp_path / "annotations.parquet").to_pylist()
    client = Client(address, verbose=False)
    answers = [one for text in (TEXT, "anemia") for one in client.predict(text, 0.0, api_name="/annotate")]
    assert [json.loads(row["candidates"]) for row in rows] == [answer["candidates"] for answer in answers]
    assert [(row["start"], row["end"], row["text"]) for row in rows] == [
        (answer["start"], answer["end"], answer["text"]) for answer in answers
    ]
    with page.expect_download() as download:
        page.locator("#csv a[download]").first.click()
    assert download.value.suggested_filename == "annotations.csv"
    download.value.save_as(tmp_path / "annotations.csv")
    with (tmp_path / "annotations.csv").open(encoding="utf-8-sig", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [json.loads(row["candidates"]) for row in table] == [answer["candidates"] for answer in answers]
    assert [(int(row["start"]), int(row["end"]), row["text"]) for row in table] == [
        (answer["start"], answer["end"], answer["text"]) for answer in answers
    ]


def test_a_pubtator_batch_keeps_its_documents(visitor, tmp_path):
    page = visitor()
    page.get_by_role("tab", name="Batch").click()
    upload(
        page, "#documents", "corpus.pubtator", b"12|t|Anemia.\n12|a|Wilson disease (WD).\n\n13|t|Rare.\n13|a|Anaemia.\n"
    )
    page.wait_for_selector("#documents :text('corpus')")
    page.click("#run-batch")
    page.wait_for_selector("#batch-done:has-text('4 mentions in 2 documents')")
    with page.expect_download() as download:
        page.locator("#parquet a[download]").first.click()
    download.value.save_as(tmp_path / "annotations.parquet")
    rows = pq.read_table(tmp_path / "annotations.parquet").to_pylist()
    assert [(row["document_id"], row["text"]) for row in rows] == [
        ("12", "Anemia"),
        ("12", "Wilson disease"),
        ("12", "WD"),
        ("13", "Anaemia"),
    ]


def test_a_formula_stays_text_in_the_downloaded_spreadsheet(visitor, tmp_path):
    page = visitor()
    use_own_names(page, "own.csv", b'id,name\nX:1,"=HYPERLINK zebra"\n')
    page.wait_for_selector(".angel-status:has-text('your 1 concepts')")
    page.get_by_role("tab", name="Batch").click()
    upload(page, "#documents", "documents.csv", b'id,text\n"=1+1","a zebra =HYPERLINK zebra"\n')
    page.wait_for_selector("#documents :text('documents')")
    page.click("#run-batch")
    page.wait_for_selector("#batch-done:has-text('mentions in 1 documents')")
    with page.expect_download() as download:
        page.locator("#csv a[download]").first.click()
    download.value.save_as(tmp_path / "annotations.csv")
    with (tmp_path / "annotations.csv").open(encoding="utf-8-sig", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert "'=1+1" in cells and "'=HYPERLINK zebra" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
