"""From raw text to linked mentions: what is linked, where it stands, how sure it is."""

import pytest

from angel_hf import AngelForEntityLinking, Candidate, KnowledgeBase, Linked
from angel_hf.annotation import expand_abbreviations
from angel_hf.annotation.annotator import Annotator
from angel_hf.ranking.confidence import Confidence, Features, NilThreshold, merge_candidates
from angel_hf.types import Mention
from tests.conftest import SAMPLE

NAMES = {
    "D1": ["Wilson disease", "hepatolenticular degeneration"],
    "D2": ["breast cancer", "breast carcinoma"],
    "D3": ["ovarian cancer"],
    "D4": ["anemia"],
}
TEXT = "Wilson disease (WD) is rare. WD, anaemia; breast and ovarian cancer."
# Nothing but the exact match counts: 0.5 without it, 0.95 with it.
EXACT_ONLY = Confidence(0.0, Features(0, 0, 0, exact=3.0, similarity=0), (NilThreshold(0.9, 0.6, 0.5),), "hand")


@pytest.fixture(scope="module")
def model():
    loaded = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny").eval()
    loaded.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    loaded.confidence = EXACT_ONLY
    return loaded


def test_mentions_keep_the_offsets_of_the_text_and_tell_what_they_were_read_as(model):
    found = model.annotate(TEXT)
    assert [(linked.mention.surface, linked.read_as) for linked in found] == [
        ("Wilson disease", "Wilson disease"),
        ("WD", "Wilson disease"),
        ("WD", "Wilson disease"),
        ("anaemia", "anaemia"),
        ("breast and ovarian cancer", "breast cancer"),
        ("breast and ovarian cancer", "ovarian cancer"),
    ]
    assert all(isinstance(linked, Linked) and linked.mention.text == TEXT for linked in found)


def test_what_was_linked_can_be_linked_again(model):
    for linked in model.annotate(TEXT):
        assert linked.mention_read.surface == linked.read_as
        assert model.link(linked.mention_read).candidates[0].name == linked.candidates[0].name


def test_candidates_are_those_of_the_mention_written_out(model):
    start = TEXT.index("WD,")
    (written_out,) = expand_abbreviations([Mention(TEXT, start, start + 2)])
    alone = model.link(written_out)
    in_text = model.annotate(TEXT)[2]
    expected = merge_candidates(alone.candidates)
    assert [candidate.name for candidate in in_text.candidates] == [candidate.name for candidate in expected]
    assert in_text.confidence == EXACT_ONLY.probability(alone)


def test_candidates_are_one_a_concept(model):
    for linked in model.annotate(TEXT):
        concepts = [concept_id for candidate in linked.candidates for concept_id in candidate.concept_ids]
        assert len(concepts) == len(set(concepts))
        assert [candidate.score for candidate in linked.candidates] == sorted(
            (candidate.score for candidate in linked.candidates), reverse=True
        )


def test_fewer_candidates_do_not_change_the_confidence(model, monkeypatch):
    monkeypatch.setattr(model, "confidence", Confidence(0.0, Features(0.3, 0.2, 2.0, 1.0, 1.0)))
    few, many = model.annotate(TEXT, top_k=1), model.annotate(TEXT, top_k=10)
    assert [linked.confidence for linked in few] == pytest.approx([linked.confidence for linked in many])
    assert [len(linked.candidates) for linked in few] == [1] * len(many)
    with pytest.raises(ValueError, match="top_k=11 with num_beams=10; expected 1 <= top_k <= num_beams"):
        Annotator(model).annotate([TEXT], top_k=11)


def test_several_texts_are_several_lists(model):
    assert [len(found) for found in model.annotate(["anemia", "", "nothing", "WD or anemia"])] == [1, 0, 0, 1]


def test_without_abbreviations_and_parts_mentions_are_linked_as_they_stand(model):
    (found,) = Annotator(model, expand=False, split=False).annotate([TEXT])
    assert [linked.read_as for linked in found] == [linked.mention.surface for linked in found]


def test_a_precision_makes_answers_of_low_confidence_nil(model):
    for linked in model.annotate(TEXT, precision=0.9):
        exact = linked.candidates[0].name.lower() == linked.read_as.lower()
        assert linked.confidence == pytest.approx(0.9526, abs=1e-4) if exact else linked.confidence == 0.5
        assert linked.is_nil == (not exact)
        assert linked.candidates, "the candidates of a NIL are still listed"
    assert not any(linked.is_nil for linked in model.annotate(TEXT))


def test_any_detector_will_do(model):
    class FirstWord:
        def detect(self, texts):
            return [[Mention(text, 0, text.index(" "))] for text in texts]

    (found,) = model.annotate(["gouty anemia"], detector=FirstWord())
    assert [linked.mention.surface for linked in found] == ["gouty"]


def test_an_annotator_finds_the_names_that_the_model_has_now():
    changing = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny").eval()
    changing.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    annotator = Annotator(changing)
    assert annotator.annotate(["anemia and gout"])[0][0].mention.surface == "anemia"
    changing.update_knowledge_base(add={"D5": ["gout"]}, remove_concepts=["D4"])
    (found,) = annotator.annotate(["anemia and gout"])
    assert [linked.mention.surface for linked in found] == ["gout"]


def test_confidence_travels_with_the_model(model, tmp_path):
    model.save_pretrained(tmp_path)
    assert AngelForEntityLinking.from_pretrained(tmp_path).confidence == EXACT_ONLY


def test_errors_tell_what_to_do(model, monkeypatch):
    with pytest.raises(ValueError, match="no threshold for a precision of 0.99; stored are 0.9"):
        model.annotate(TEXT, precision=0.99)
    monkeypatch.setattr(model, "confidence", None)
    with pytest.raises(ValueError, match="precision 0.9 needs a model with confidence.json, and this one has none"):
        model.annotate(TEXT, precision=0.9)
    assert {linked.confidence for linked in model.annotate(TEXT)} == {None}
    monkeypatch.setattr(model, "knowledge_base", None)
    with pytest.raises(RuntimeError, match="the model has no knowledge base"):
        model.annotate(TEXT)


def test_an_annotator_of_a_model_that_lost_its_names_says_what_to_do():
    changing = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny").eval()
    changing.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    annotator = Annotator(changing)
    changing.set_processor(changing.processor)
    with pytest.raises(RuntimeError, match="no knowledge base to link to; call model.set_knowledge_base first"):
        annotator.annotate(["anemia"])


def test_any_linker_will_do():
    class FirstName:
        """Answers every mention with the first name of the knowledge base."""

        knowledge_base = KnowledgeBase.from_names(NAMES)
        allowed_concepts = None
        confidence = None

        def link(self, mentions, top_k, search, batch_size, context_tokens):
            return [Linked(mention, (Candidate("Wilson disease", ("D1",), -0.1),)) for mention in mentions]

    (found,) = Annotator(FirstName()).annotate(["anemia"])
    assert [(linked.mention.surface, linked.best.name) for linked in found] == [("anemia", "Wilson disease")]
