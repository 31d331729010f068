"""Linking with ranking stages: what they change, what they leave as it was, and where they go with a model."""

import copy
from dataclasses import replace

import pytest
import torch

from angel_hf import AngelForEntityLinking, KnowledgeBase, Linked, Mention
from angel_hf.knowledge_base.subset import concepts_within
from angel_hf.model import entity_linking
from angel_hf.model.low_precision import in_low_precision
from angel_hf.model.modeling_angel import AngelForEntityLinking as PortableAngel
from angel_hf.model.subset import restricted
from angel_hf.ranking.confidence import merge_candidates
from angel_hf.ranking.memory import Memory
from angel_hf.ranking.ranker import STAGES, Found
from angel_hf.ranking.ranking import Ranking, Weights
from angel_hf.search import BeamSearch, VerbatimFirst
from angel_hf.search.answer_cache import AnswerCache
from angel_hf.search.best_first import BestFirstSearch
from tests.model.test_modeling import MENTIONS, NAMES, TOKENIZER, assert_same_links
from tests.toy import mention, random_model

MEMORY = Memory({"q": {"D1": 2, "D2": 1}, "wilson disease": {"D3": 1}, "elsewhere": {"D999": 1}})
RANKING = Ranking(Weights(0.5, 2.0, 1.5, 0.5), MEMORY, fitted_on="hand")


def toy_model(ranking=RANKING) -> AngelForEntityLinking:
    found = random_model(TOKENIZER)
    found.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    found.ranking = ranking
    return found


@pytest.fixture
def model() -> AngelForEntityLinking:
    return toy_model()


@pytest.fixture
def bare() -> AngelForEntityLinking:
    """The same model as it was published."""
    return toy_model(None)


def reasons(linked: list[Linked]) -> list[list[str]]:
    return [[candidate.because for candidate in one.candidates] for one in linked]


# What is weighed


@pytest.mark.parametrize("search", [BeamSearch(), BeamSearch(2)], ids=str)
def test_unranked_answers_are_those_of_a_model_without_a_ranking(model, bare, search):
    expected = bare.link(MENTIONS, 2, search)
    assert model.link(MENTIONS, 2, search, ranked=False) == expected
    assert model.link(MENTIONS[0], 2, search, ranked=False) == bare.link(MENTIONS[0], 2, search)
    assert {reason for own in reasons(expected) for reason in own} == {""}
    assert model.link(MENTIONS, 2, search) != expected
    assert bare.link(MENTIONS, 2, search, ranked=True) == expected, "nothing weighs it"


def test_each_mention_is_ranked_by_what_the_search_finds_in_its_text_and_alone(model, bare):
    """The whole chain again: two searches of a model without a ranking, and the ranker on what they find."""
    in_context = bare.link(MENTIONS)
    alone = bare.link([Mention(one.surface, 0, len(one.surface)) for one in MENTIONS])
    for got, own, other in zip(model.link(MENTIONS), in_context, alone, strict=True):
        scores = [{bare.knowledge_base.find(one.name): one.score for one in each.candidates} for each in (own, other)]
        expected, seen = [], set()
        for one in model.ranker.rank([Found(own.mention.surface, *scores)])[0]:
            concepts = model.knowledge_base.entry_concept_ids(one.entry)
            if seen.isdisjoint(concepts):  # one name a concept, the best
                expected.append((model.knowledge_base.entry_name(one.entry), concepts, one.because, one.score))
                seen |= set(concepts)
        assert got.mention == own.mention
        assert [(one.name, one.concept_ids, one.because) for one in got.candidates] == [one[:3] for one in expected][
            :10
        ]
        assert [one.score for one in got.candidates] == pytest.approx([one[3] for one in expected][:10], abs=1e-5)


def test_without_weights_the_order_of_the_search_stands_and_its_differences_down_to_the_least(bare):
    zero = toy_model(Ranking(Weights(), MEMORY))
    for got, expected in zip(zero.link(MENTIONS, 7), bare.link(MENTIONS, 7), strict=True):
        merged = merge_candidates(expected.candidates)
        assert [one.name for one in got.candidates][: len(merged)] == [one.name for one in merged]
        kept = [max(one.score, -4.0) for one in merged]
        leads = [got.candidates[0].score - one.score for one in got.candidates[: len(merged)]]
        assert leads == pytest.approx([kept[0] - score for score in kept], abs=1e-9)
        assert got.best.because == "context"


def test_only_the_first_candidate_has_a_reason(model):
    found = reasons(model.link(MENTIONS))
    assert {own[0] for own in found} <= set(STAGES)
    assert len({own[0] for own in found}) > 1
    assert {reason for own in found for reason in own[1:]} == {""}


def test_context_counts_as_ever_and_mentions_alone_are_searched_only_where_they_count(model, monkeypatch):
    asked = []
    answer = AngelForEntityLinking.answer

    def counted(own, questions, *options):
        asked.append(len(questions))
        return answer(own, questions, *options)

    monkeypatch.setattr(AngelForEntityLinking, "answer", counted)
    mentions = [*MENTIONS[2:4], *MENTIONS[2:4], mention("[q]"), mention("[q]")]
    model.link(mentions)
    model.ranking = replace(RANKING, weights=replace(RANKING.weights, alone=0.0))
    model.link(mentions)
    # Two mentions in context and each of them alone; the third is alone already.
    assert asked == [5, 3]


# What changes nothing


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_order_company_and_batches_change_nothing(model, batch_size):
    expected = model.link(MENTIONS)
    assert_same_links(model.link(MENTIONS, batch_size=batch_size), expected, 1e-5)
    assert_same_links(model.link(MENTIONS[::-1], batch_size=batch_size)[::-1], expected, 1e-5)
    assert_same_links([model.link(one, batch_size=batch_size) for one in MENTIONS], expected, 1e-5)
    assert reasons([model.link(one) for one in MENTIONS]) == reasons(expected)
    assert model.link([]) == []
    assert_same_links(model.link(iter(MENTIONS)), expected)


def test_an_answer_cache_changes_nothing(model):
    expected = model.link(MENTIONS)
    model.answer_cache = AnswerCache()
    for _ in range(2):
        assert_same_links(model.link(MENTIONS), expected, 1e-5)
    model.ranking = None
    assert_same_links(model.link(MENTIONS), toy_model(None).link(MENTIONS), 1e-5)


@pytest.mark.parametrize("top_k", [1, 3, 10])
def test_top_k_cuts_the_list(model, top_k):
    whole = model.link(MENTIONS)
    cut = [Linked(linked.mention, linked.candidates[:top_k]) for linked in whole]
    assert model.link(MENTIONS, top_k) == cut


def test_more_candidates_than_beams_and_mentions_that_are_strings_are_refused(model):
    with pytest.raises(ValueError, match="top_k=11 with num_beams=10"):
        model.link(MENTIONS, top_k=11)
    for mentions in ("ataxia", [*MENTIONS, "ataxia"]):
        with pytest.raises(TypeError, match="got the string 'ataxia'; expected a Mention"):
            model.link(mentions)


@pytest.mark.parametrize("search", [BestFirstSearch(3), VerbatimFirst(BeamSearch(3))], ids=str)
def test_a_search_that_promises_what_comes_first_is_never_ranked(model, bare, search):
    assert model.link(MENTIONS, 2, search) == bare.link(MENTIONS, 2, search)


def test_more_names_than_can_be_compared_are_not_ranked(model, bare, monkeypatch):
    monkeypatch.setattr(entity_linking, "MOST_NAMES", model.knowledge_base.num_entries)
    assert model.ranker is not None
    monkeypatch.setattr(entity_linking, "MOST_NAMES", model.knowledge_base.num_entries - 1)
    assert model.ranker is None
    assert model.link(MENTIONS) == bare.link(MENTIONS)


def test_a_model_without_names_has_no_ranker_and_says_how_to_get_them():
    nameless = random_model(TOKENIZER)
    nameless.ranking = RANKING
    assert nameless.ranker is None
    with pytest.raises(RuntimeError, match="no knowledge base to link to; call model.set_knowledge_base"):
        nameless.link(MENTIONS)


def test_a_score_that_is_not_finite_is_an_error_with_the_mention(model, monkeypatch):
    answer = AngelForEntityLinking.answer

    def broken(own, *arguments):
        return [[replace(one, score=float("nan")) for one in each] for each in answer(own, *arguments)]

    monkeypatch.setattr(AngelForEntityLinking, "answer", broken)
    with pytest.raises(ValueError, match="the mention 'ataxia' got a score that is no finite number"):
        model.link(MENTIONS)


# Names


def test_another_knowledge_base_is_ranked_by_its_own_names(model):
    before = model.link(MENTIONS)
    first, other = model.knowledge_base, KnowledgeBase.from_names({"D1": ["gene"], "Y": ["old gene", "gene q"]})
    model.set_knowledge_base(other)
    fresh = random_model(TOKENIZER)
    fresh.set_knowledge_base(other)
    fresh.ranking = RANKING
    assert model.link(MENTIONS) == fresh.link(MENTIONS)
    assert {one.name for linked in model.link(MENTIONS) for one in linked.candidates} == {"gene", "old gene", "gene q"}
    model.set_knowledge_base(first)
    assert model.link(MENTIONS) == before


def test_names_that_are_added_are_ranked_too(model):
    model.update_knowledge_base(add={"D9": ["fever of the gene"]})
    assert model.link(mention("[fever of the genes]")).best.concept_ids == ("D9",)


@pytest.mark.parametrize("kept", ["D1", "D2", "D3"])
def test_a_part_never_answers_withheld_concepts(model, kept):
    model.ranking = RANKING.remembering([("ataxia", ("D1", "D2")), ("q", ("D3",)), ("fever", ("D2",))])
    part = restricted(model, below=[kept])
    names = {name for concept in [model.knowledge_base.concept(kept)] for name in concept.names}
    before = model.link(MENTIONS)
    for linked in part.link(MENTIONS):
        assert linked.candidates
        assert {one.concept_ids for one in linked.candidates} == {(kept,)}
        assert {one.name.lower() for one in linked.candidates} <= {name.lower() for name in names}
    assert model.link(MENTIONS) == before, "the whole model stays whole"
    assert concepts_within(model.knowledge_base, (), (kept,)) == {kept}


def test_annotations_are_ranked(model, bare):
    model.remember([mention("[fever]")], ["D2"])
    model.ranking = replace(model.ranking, weights=Weights(memory=9.0))
    (found,) = model.annotate("It is fever.")
    assert (found.best.concept_ids, found.best.because) == (("D2",), "memory")
    (found,) = bare.annotate("It is fever.")
    assert found.best.because == ""


# Where a ranking goes with a model


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_copies_in_low_precision_rank_as_the_model_does(model, precision):
    low = in_low_precision(model, precision)
    assert low.ranking is model.ranking
    unranked = in_low_precision(toy_model(None), precision).link(MENTIONS)
    assert low.link(MENTIONS, ranked=False) == unranked
    assert low.link(MENTIONS) != unranked
    assert {own[0] for own in reasons(low.link(MENTIONS))} <= set(STAGES)


def test_a_shallow_copy_remembers_for_itself(model):
    view = copy.copy(model)
    view.remember([mention("[fever]")], ["D1"])
    assert model.ranking == RANKING
    assert "fever" in view.ranking.memory.counts


def test_saved_and_loaded_ranks_the_same_byte_for_byte(model, tmp_path):
    model.save_pretrained(tmp_path / "one")
    loaded = AngelForEntityLinking.from_pretrained(tmp_path / "one").eval()
    assert loaded.ranking == RANKING
    assert loaded.link(MENTIONS) == model.link(MENTIONS)
    loaded.save_pretrained(tmp_path / "two")
    for name in ("ranking.json", "memory.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_model_without_a_ranking_leaves_none_behind(model, bare, tmp_path):
    model.save_pretrained(tmp_path)
    bare.save_pretrained(tmp_path)
    assert not (tmp_path / "ranking.json").exists() and not (tmp_path / "memory.jsonl").exists()
    assert AngelForEntityLinking.from_pretrained(tmp_path).ranking is None


def test_weights_in_half_precision_keep_the_ranking(model, tmp_path):
    model.save_pretrained(tmp_path)
    assert AngelForEntityLinking.from_pretrained(tmp_path, dtype=torch.bfloat16).ranking == RANKING


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        (
            "ranking.json",
            lambda content: content.replace(b"2.0", b"3.0"),
            "ranking.json: not angel-ranking-1 .*damaged",
        ),
        ("ranking.json", lambda content: b"", "ranking.json: not angel-ranking-1 .*fit it again"),
        ("ranking.json", lambda content: content[:-9], "ranking.json: not angel-ranking-1"),
        ("memory.jsonl", lambda content: content.replace(b"D3", b"D1"), "memory.jsonl: its contents are not those"),
        ("memory.jsonl", lambda content: b"{}\n", "memory.jsonl:1: no remembered mention"),
    ],
)
def test_a_damaged_ranking_refuses_the_model(model, tmp_path, name, damage, message):
    model.save_pretrained(tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(damage(content))
    assert (tmp_path / name).read_bytes() != content
    with pytest.raises(ValueError, match=message):
        AngelForEntityLinking.from_pretrained(tmp_path)


def test_a_ranking_without_its_memory_is_refused_with_what_to_do(model, tmp_path):
    model.save_pretrained(tmp_path)
    (tmp_path / "memory.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match=r"memory.jsonl.*fit the ranking again"):
        AngelForEntityLinking.from_pretrained(tmp_path)


def test_the_code_in_a_repository_answers_as_published_and_saves_the_ranking_on(model, bare, tmp_path):
    model.save_pretrained(tmp_path / "one")
    portable = PortableAngel.from_pretrained(tmp_path / "one").eval()
    assert_same_links(portable.link(MENTIONS), bare.link(MENTIONS), 1e-5)
    portable.save_pretrained(tmp_path / "two")
    assert AngelForEntityLinking.from_pretrained(tmp_path / "two").ranking == RANKING
