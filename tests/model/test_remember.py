"""Corrections take effect at once, are saved with the model, and leave other models alone."""

import pytest

from angel_hf import AngelForEntityLinking, Concept, KnowledgeBase, Mention
from angel_hf.ranking.confidence import merge_candidates
from angel_hf.ranking.memory import Memory
from angel_hf.ranking.ranking import MEMORY_WEIGHT, Ranking, Weights
from tests.toy import CONCEPTS, byte_tokenizer, mention, random_model

TEXT = "After a heart attack, more heart attacks."
ATTACK, ATTACKS = Mention(TEXT, 8, 20), Mention(TEXT, 27, 40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    model = random_model(byte_tokenizer())
    model.set_knowledge_base(KnowledgeBase.from_concepts([*CONCEPTS, Concept("D9", ("fever",), ("OMIM:9",))]))
    model.save_pretrained(path)
    return path


@pytest.fixture
def model(folder):
    return AngelForEntityLinking.from_pretrained(folder).eval()


@pytest.fixture
def mini():
    return AngelForEntityLinking.from_pretrained("angel-mini").eval()


def place_of(concept_id, linked):
    """Among the candidates; after all of them where it is none."""
    places = [place for place, one in enumerate(linked.candidates) if concept_id in one.concept_ids]
    return min(places, default=len(linked.candidates))


def test_the_embedded_model_learns_what_a_mention_means(mini):
    """Corrected to another of its candidates, the model gives that concept, in any text."""
    before, plural = mini.link([ATTACK, ATTACKS])
    published = mini.link([ATTACK, ATTACKS], ranked=False)
    first, other = before.candidates[0], before.candidates[-1]
    mini.remember([ATTACK], [other.concept_ids[0]])
    assert other.concept_ids[0] in mini.link(ATTACK).best.concept_ids
    assert mini.link(ATTACK).best.because == "memory"
    assert place_of(other.concept_ids[0], mini.link(ATTACKS)) < place_of(other.concept_ids[0], plural)
    assert mini.link([ATTACK, ATTACKS], ranked=False) == published
    mini.remember([Mention("HEART-ATTACK", 0, 12)], [first.concept_ids[0]])
    assert first.concept_ids[0] in mini.link(ATTACK).best.concept_ids, "what is said last holds"


def test_what_is_not_alike_is_answered_as_before(model):
    before = model.link(mention("the old [gene q]"))
    model.remember([mention("[ataxia]")], ["X1"])
    after = model.link(mention("the old [gene q]"))
    # A memory that knows nothing near takes its weight from all candidates alike.
    merged = merge_candidates(before.candidates)
    assert [one.name for one in after.candidates[: len(merged)]] == [one.name for one in merged]


def test_a_model_without_a_ranking_gets_one_that_only_remembers(model):
    model.remember([mention("the [Fever]"), mention("[a t]")], ["OMIM:9", ("D001260", "X1")])
    memory = Memory({"fever": {"D9": 1}, "a t": {"D001260": 1, "X1": 1}}, ["fever", "a t"])
    assert model.ranking == Ranking(Weights(memory=MEMORY_WEIGHT), memory)


def test_weights_stay_as_they_were_fitted(model):
    model.ranking = Ranking(Weights(0.5, 1.0, 3.0, 1.0), Memory({"old": {"X1": 2}}), None, 7, 3, "hand")
    model.remember([mention("[fever]")], ["D9"])
    memory = Memory({"old": {"X1": 2}, "fever": {"D9": 1}}, ["fever"])
    assert model.ranking == Ranking(Weights(0.5, 1.0, 3.0, 1.0), memory, None, 7, 3, "hand")


def test_with_weight_enough_a_concept_comes_first_that_the_search_did_not_find(model):
    model.ranking = Ranking(Weights(memory=9.0))
    model.remember([mention("[gene of q]")], ["X1"])
    best = model.link(mention("the [gene of q]")).best
    assert ("X1" in best.concept_ids, best.because) == (True, "memory")


def test_a_memory_is_saved_with_its_model_byte_for_byte_and_no_other_model_has_it(model, folder, tmp_path):
    other = AngelForEntityLinking.from_pretrained(folder).eval()
    before = other.link(ATTACK)
    model.remember([ATTACK, mention("β-[Fieber]")], ["D9", ("X1", "D9")])
    assert other.ranking is None and other.link(ATTACK) == before
    model.save_pretrained(tmp_path / "one")
    again = AngelForEntityLinking.from_pretrained(tmp_path / "one").eval()
    assert again.ranking == model.ranking
    assert again.link([ATTACK, ATTACKS]) == model.link([ATTACK, ATTACKS])
    again.save_pretrained(tmp_path / "two")
    for name, content in model.ranking.files().items():
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() == content
    assert AngelForEntityLinking.from_pretrained(folder).ranking is None


@pytest.mark.parametrize(
    ("mentions", "concepts", "error", "message"),
    [
        ([ATTACK], ["D7"], KeyError, "concept 'D7' is not among the 4 of the knowledge base"),
        ([ATTACK], [""], KeyError, "concept '' is not among"),
        ([ATTACK], [("D9", "D7")], KeyError, "concept 'D7' is not among"),
        ([ATTACK], [()], ValueError, r"1 mentions with concepts \[\(\)\]; expected one or more for each"),
        ([ATTACK], [], ValueError, "1 mentions with concepts .*; expected one or more for each"),
        ([ATTACK], ["D9", "X1"], ValueError, "1 mentions with concepts .*; expected one or more for each"),
        ([Mention("\u200b", 0, 1)], ["D9"], ValueError, "cannot be remembered; expected letters"),
        ([ATTACK, Mention("a \ud800", 0, 3)], ["D9", "D9"], ValueError, "cannot be remembered; expected letters"),
    ],
    ids=str,
)
def test_what_cannot_be_remembered_is_refused_and_nothing_is(model, mentions, concepts, error, message):
    with pytest.raises(error, match=message):
        model.remember(mentions, concepts)
    assert model.ranking is None


@pytest.mark.parametrize("mentions", [ATTACK, ["ataxia"], "ataxia"], ids=str)
def test_what_is_no_list_of_mentions_is_refused_by_what_it_is(model, mentions):
    with pytest.raises(TypeError, match="expected"):
        model.remember(mentions, ["D9"])
    assert model.ranking is None


def test_one_identifier_for_a_list_of_mentions_is_refused(model):
    """A string is a list of its letters to Python."""
    with pytest.raises(TypeError, match="with 'D9'; expected a list of mentions, and of concepts"):
        model.remember([ATTACK, ATTACKS], "D9")


def test_nothing_is_remembered_of_nothing(model):
    model.remember([], [])
    assert model.ranking is None


def test_a_model_without_names_cannot_remember():
    with pytest.raises(RuntimeError, match="no knowledge base to remember concepts of; call set_knowledge_base first"):
        random_model(byte_tokenizer()).remember([ATTACK], ["D9"])


def test_concepts_that_another_knowledge_base_lacks_are_remembered_until_it_has_them(model):
    model.ranking = Ranking(Weights(memory=9.0))
    model.remember([ATTACK], ["D9"])
    first = model.knowledge_base
    model.set_knowledge_base(KnowledgeBase.from_names({"X": ["gene"], "Y": ["old gene"]}))
    assert {one.concept_ids for one in model.link(ATTACK).candidates} <= {("X",), ("Y",)}
    model.set_knowledge_base(first)
    assert model.link(ATTACK).best.concept_ids == ("D9",)
