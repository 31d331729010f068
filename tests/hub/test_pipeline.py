"""`pipeline("entity-linking")` on every kind of input, alone and in batches."""

import pytest
from datasets import Dataset, IterableDataset
from transformers import pipeline
from transformers.pipelines.pt_utils import KeyDataset

from angel_hf import Mention
from tests.hub_clients import MARKED

TEXT = "Mutations cause ataxia and colon cancer in some families."
AS_DICT = {"text": TEXT, "spans": [[16, 22], [27, 39]]}
OTHER = "[[Breast cancer]] and tumours"
NOTHING = {"text": "no mention here", "spans": []}


@pytest.fixture(scope="module")
def link(model):
    return pipeline("entity-linking", model=model, device="cpu")


def rounded(answers):
    return [[(m["start"], m["end"], m["name"], m["concept_ids"], round(m["score"], 5)) for m in of] for of in answers]


def test_each_mention_gets_its_place_its_best_concept_and_the_candidates(link, model):
    first, second = link(MARKED, top_k=3)
    linked = model.link(Mention(TEXT, 16, 22), top_k=3)
    assert (first["start"], first["end"], first["mention"]) == (16, 22, "ataxia")
    assert (second["start"], second["end"], second["mention"]) == (27, 39, "colon cancer")
    assert [one["name"] for one in first["candidates"]] == [one.name for one in linked.candidates]
    assert [one["score"] for one in first["candidates"]] == pytest.approx([one.score for one in linked.candidates])
    best = first["candidates"][0]
    assert {key: first[key] for key in best} == best


def test_marks_and_spans_say_the_same(link):
    assert link(MARKED) == link(AS_DICT)


def test_a_text_without_spans_has_no_answers(link):
    assert link(NOTHING) == []


@pytest.mark.parametrize("batch_size", [2, *(pytest.param(size, marks=pytest.mark.slow) for size in (1, 32))])
def test_many_texts_are_answered_as_each_alone_whatever_they_come_in(link, batch_size):
    texts = [MARKED, NOTHING, OTHER, AS_DICT, OTHER] * 3
    expected = rounded([link(text) for text in texts])
    dicts = [link.preprocess(text) for text in texts]
    rows = [{"text": own[0].text if own else "x", "spans": [[m.start, m.end] for m in own]} for own in dicts]
    inputs = {
        "list": texts,
        "tuple": tuple(texts),
        "generator": (text for text in texts),
        "dataset": Dataset.from_list(rows),
        "stream": IterableDataset.from_generator(lambda: iter(rows)),
        "column": KeyDataset(Dataset.from_dict({"marked": [t for t in texts if isinstance(t, str)]}), "marked"),
    }
    strings = [answer for text, answer in zip(texts, expected) if isinstance(text, str)]
    for kind, given in inputs.items():
        found = rounded(list(link(given, batch_size=batch_size)))
        assert found == (strings if kind == "column" else expected), kind


def test_a_stream_is_answered_before_it_ends(link):
    taken = []

    def endless():
        while True:
            taken.append(OTHER)
            yield OTHER

    answers = link(endless(), batch_size=2)
    assert next(answers)[0]["mention"] == "Breast cancer"
    assert len(taken) < 20


def test_an_empty_list_gives_an_empty_list(link):
    assert link([]) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("no marks", "no mention is marked in 'no marks'"),
        (
            {"text": "x"},
            r"expected text with .* or a dict with 'text' and 'spans', got a dict with text",
        ),
        ({"text": "x", "spans": [[0, 9]]}, "mention span 0:9 does not fit its text of 1 characters"),
        (7, "expected text with .* got 7"),
        (["[[ataxia]]", 7], "expected text with .* got 7"),
    ],
)
def test_what_is_no_text_with_mentions_is_refused(link, given, message):
    with pytest.raises(ValueError, match=message):
        link(given)


def test_an_unknown_option_is_refused(link):
    with pytest.raises(TypeError, match="entity-linking has no option beams; expected top_k or num_beams"):
        link(MARKED, beams=3)


def test_more_candidates_than_ten_widen_the_search(link, model):
    (answer,) = link("[[ataxia]]", top_k=12)
    assert len(answer["candidates"]) == min(12, model.trie.num_names)


def test_the_pipeline_takes_a_repository_by_name(repository, link):
    by_name = pipeline("entity-linking", model="org/angel-tiny", device="cpu")
    assert type(by_name) is type(link)
    assert rounded([by_name(MARKED)]) == rounded([link(MARKED)])


def test_without_a_model_it_is_the_one_that_the_package_holds():
    (found,) = pipeline("entity-linking", device="cpu")("a case of [[ataxia telangiectasia]]")
    assert (found["name"], found["concept_ids"]) == ("Ataxia Telangiectasia", ["D001260"])
