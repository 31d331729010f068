"""Which name is paired with which: the published rule, and the nearest gold name where none was right."""

import math
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from angel_hf import KnowledgeBase
from angel_hf.training.data.concept_names import ConceptNames
from angel_hf.training.data.corpus import AnnotatedMention
from angel_hf.training.preference.mining import folds, mine_mentions, mine_names, name_mentions
from angel_hf.training.preference.pairs import preference_pairs
from angel_hf.training.preference.pairs_file import PAIRS_FILE, SCHEMA, read_pairs, write_card, write_pairs
from angel_hf.training.recipes.schema import Mining
from angel_hf.types import Candidate, Concept, Linked, Mention

MENTION = Mention("x", 0, 1)


def candidates(pattern):
    """`+` is a right candidate and `-` a wrong one, named by their places."""
    return [
        Candidate(str(rank), ("G",) if sign == "+" else ("W",), -float(rank)) for rank, sign in enumerate(pattern, 1)
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("+----", [(1, 2)]),
        ("-+---", [(2, 1)]),
        ("--+--", [(3, 1), (3, 2)]),
        ("-+-+-", [(2, 1), (4, 1), (4, 3)]),
        ("+-+--", [(1, 2), (3, 2)]),
        ("++-+-", [(1, 3), (4, 3)]),
        ("+++++", []),
        ("-----", []),
        ("", []),
    ],
)
def test_right_names_are_paired_with_the_wrong_ones_above(pattern, expected):
    pairs = list(preference_pairs(MENTION, candidates(pattern), frozenset({"G"})))
    assert [(pair.chosen.rank, pair.rejected.rank) for pair in pairs] == expected
    assert all(pair.chosen.candidate.name == str(pair.chosen.rank) for pair in pairs)


def test_where_none_is_right_the_nearest_gold_name_is_chosen():
    nearest = Candidate("gold name", ("G",), math.nan)
    pairs = list(preference_pairs(MENTION, candidates("---"), frozenset({"G"}), lambda: nearest))
    assert [(pair.chosen.candidate, pair.chosen.rank, pair.rejected.rank) for pair in pairs] == [
        (nearest, None, 1),
        (nearest, None, 2),
        (nearest, None, 3),
    ]
    assert list(preference_pairs(MENTION, candidates("---"), frozenset({"G"}), lambda: None)) == []
    assert len(list(preference_pairs(MENTION, candidates("+--"), frozenset({"G"}), lambda: nearest))) == 1


class FixedAnswers:
    """Links every mention to the same names of a knowledge base, in a given order."""

    def __init__(self, knowledge_base, names, processor):
        self.knowledge_base, self.names, self.processor = knowledge_base, names, processor

    def link(self, mentions, top_k, search, ranked):
        assert not ranked, "preference training is of the generator's own mistakes"
        self.processor.encode_mentions(mentions)  # refuses what cannot be read, as a model does
        entries = [self.knowledge_base.find(name) for name in self.names[:top_k]]
        found = [
            Candidate(self.knowledge_base.entry_name(entry), self.knowledge_base.entry_concept_ids(entry), -1.0 - place)
            for place, entry in enumerate(entries)
        ]
        return [Linked(mention, tuple(found)) for mention in mentions]


ANSWERS = ["Deafness", "Skin Cancer", "Anemia", "Skin Tumors", "Wilson Disease", "Hearing Loss"]


@pytest.fixture
def linker(knowledge_base, processor):
    return FixedAnswers(knowledge_base, ANSWERS, processor)


def names_of(mined):
    return [
        (one.pair.mention.surface, one.pair.chosen.candidate.name, one.pair.rejected.candidate.name) for one in mined
    ]


def test_mentions_are_mined(linker, mentions, concept_names):
    mined = list(mine_mentions(linker, mentions[:1] + mentions[4:], concept_names, Mining(top_k=3), "train"))
    assert names_of(mined) == [("Skin tumour", "skin cancer", "deafness")]
    assert (mined[0].gold, mined[0].document_id, mined[0].source) == (("D1",), "7", "train")
    absent = list(mine_mentions(linker, mentions[1:2], concept_names, Mining(top_k=2), "train"))
    assert names_of(absent) == [
        ("Wilson disease", "wilson disease", "deafness"),
        ("Wilson disease", "wilson disease", "skin cancer"),
    ]
    without = Mining(top_k=2, nearest_if_absent=False)
    assert list(mine_mentions(linker, mentions[1:2], concept_names, without, "train")) == []


def test_the_nearest_name_of_any_gold_concept_is_chosen(linker, concept_names):
    surface = "ovarian cancers"
    asked = AnnotatedMention(Mention(surface, 0, len(surface)), ("D1", "D5"), "x")
    assert names_of(mine_mentions(linker, [asked], concept_names, Mining(top_k=1), "train")) == [
        (surface, "ovarian cancer", "deafness")
    ]


def test_what_the_model_cannot_read_is_not_mined(linker, mentions, concept_names):
    surface = "q" * 500
    unreadable = replace(mentions[0], mention=Mention(surface, 0, len(surface)))
    mining = Mining(top_k=3)
    alone = list(mine_mentions(linker, mentions[:1], concept_names, mining, "train"))
    assert alone and list(mine_mentions(linker, [unreadable, *mentions[:1]], concept_names, mining, "train")) == alone


def test_a_name_is_mined_without_itself(linker, concept_names):
    asked = AnnotatedMention(Mention("deafness", 0, 8), ("D3",), "D3")
    (first, *others) = mine_names(linker, [asked], concept_names, Mining(top_k=5, num_beams=5), "knowledge-base")
    assert first.pair.rejected.candidate.name == "skin cancer"
    assert {one.pair.chosen.candidate.name for one in [first, *others]} == {"hearing loss"}
    assert [one.pair.rejected.rank for one in [first, *others]] == [1, 2, 3, 4]
    # As a mention of the corpus, it is its own best answer.
    (pair,) = mine_mentions(linker, [asked], concept_names, Mining(top_k=5), "train")
    assert pair.pair.chosen.candidate.name == "deafness"


def test_names_are_sampled_by_the_seed_and_have_another_name(concept_names):
    sampled = name_mentions(concept_names, 6, seed=1)
    assert sampled == name_mentions(concept_names, 6, seed=1) != name_mentions(concept_names, 6, seed=2)
    everything = name_mentions(concept_names, 1000, seed=1)
    assert "D4" not in {annotated.document_id for annotated in everything}
    assert len(everything) == sum(len(names) for names in concept_names.names.values()) - 1


def test_all_concepts_that_bear_a_name_are_right_answers_to_it():
    concepts = [
        Concept("A", ("cold", "common cold")),
        Concept("B", ("cold", "low temperature")),
        Concept("C", ("flu", "x")),
    ]
    names = ConceptNames(KnowledgeBase.from_concepts(concepts))
    found = {(one.document_id, one.mention.surface): one.identifiers for one in name_mentions(names, 10, seed=1)}
    assert found["A", "cold"] == ("A", "B") and found["B", "cold"] == ("B", "A")
    assert found["A", "common cold"] == ("A",) and found["C", "flu"] == ("C",)


def test_folds_part_no_document():
    corpus = [AnnotatedMention(MENTION, ("D1",), str(number // 3)) for number in range(30)]
    parts = folds(corpus, 3, seed=1)
    assert sorted(len(part) for part in parts) == [9, 9, 12]
    documents = [{annotated.document_id for annotated in part} for part in parts]
    assert set.union(*documents) == {str(number) for number in range(10)}
    assert sum(map(len, documents)) == 10
    with pytest.raises(ValueError, match="1 documents do not make 2 parts; lower mining.folds"):
        folds(corpus[:3], 2, seed=1)


def test_the_file_holds_what_was_mined_and_loads_with_its_card(linker, mentions, concept_names, processor, tmp_path):
    mined = list(mine_mentions(linker, mentions, concept_names, Mining(top_k=4), "train"))
    write_pairs(tmp_path / PAIRS_FILE, mined, processor)
    write_card(tmp_path, "Pairs of a test", "Mined by hand.")
    assert pq.read_schema(tmp_path / PAIRS_FILE).equals(SCHEMA)
    rows = load_dataset(str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == len(mined)
    first = rows[0]
    assert first["prompt"].startswith("START skin tumour END in man.")
    assert (first["prefix"], first["chosen"], first["rejected"]) == ("skin tumour is", "skin cancer", "deafness")
    assert (first["chosen_rank"], first["rejected_rank"], first["chosen_score"]) == (2, 1, -2.0)
    assert (first["chosen_concepts"], first["rejected_concepts"], first["gold_concepts"]) == (["D1"], ["D3"], ["D1"])
    absent = next(row for row in rows if row["chosen_rank"] is None)
    assert absent["chosen_score"] is None
    assert next(read_pairs(tmp_path / PAIRS_FILE)) == (mentions[0].mention, "skin cancer", "deafness")
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"| train | {len(mined)} |" in card and "Mined by hand." in card


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "pairs.parquet"
    path.write_text("no", encoding="utf-8")
    with pytest.raises(ValueError, match="not preference pairs"):
        list(read_pairs(path))
