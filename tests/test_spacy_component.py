"""The spaCy component, in pipelines that are made here: no trained pipeline is needed."""

import subprocess
import sys

import pytest
import spacy

from angel_hf import AngelForEntityLinking, KnowledgeBase
from angel_hf.annotation.annotator import Annotator
from angel_hf.ranking.confidence import Confidence, Features, NilThreshold
from angel_hf.spacy_component import NIL, AngelLinker
from angel_hf.types import Mention
from tests.conftest import SAMPLE

NAMES = {"D1": ["Wilson disease", "WD"], "D2": ["breast cancer"], "D3": ["ovarian cancer"], "D4": ["anemia"]}
TEXTS = [
    "Wilson disease (WD) is rare. Treated WD is not.",
    "Nothing here.",
    "Anemia; breast and ovarian cancer.",
]


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    loaded = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny")
    loaded.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    loaded.confidence = Confidence(-0.5, Features(0, 0, 0, 3.0, 0), (NilThreshold(0.9, 0.6, 0.5),), "hand")
    directory = tmp_path_factory.mktemp("model")
    loaded.save_pretrained(directory)
    return directory


def pipeline(model_dir, **config):
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    patterns = ["wilson disease", "WD", "anemia", "breast and ovarian cancer"]
    ruler.add_patterns([{"label": "DISEASE", "pattern": pattern} for pattern in patterns])
    nlp.add_pipe("angel_linker", config={"model": str(model_dir), **config})
    return nlp


@pytest.fixture(scope="module")
def nlp(model_dir):
    return pipeline(model_dir)


def test_entities_get_the_answers_of_the_annotator(nlp, model_dir):
    doc = nlp(TEXTS[0])
    mentions = [Mention(doc.text, ent.start_char, ent.end_char) for ent in doc.ents]
    expected = Annotator(AngelForEntityLinking.from_pretrained(model_dir)).annotate_mentions(mentions)
    assert [ent.text for ent in doc.ents] == ["Wilson disease", "WD", "WD"]
    assert [ent._.angel for ent in doc.ents] == [parts[0] for parts in expected]
    assert [ent.kb_id_ for ent in doc.ents] == [parts[0].best.concept_ids[0] for parts in expected]
    assert [ent.label_ for ent in doc.ents] == ["DISEASE"] * 3
    assert doc.ents[2]._.angel.read_as == "Wilson disease"
    assert doc[0].ent_kb_id_ == doc.ents[0].kb_id_


def test_a_stream_gives_what_documents_alone_give(nlp):
    together = list(nlp.pipe(TEXTS * 3, batch_size=2))
    assert [doc.text for doc in together] == TEXTS * 3
    for doc in together:
        assert [(ent.text, ent.kb_id_) for ent in doc.ents] == [(ent.text, ent.kb_id_) for ent in nlp(doc.text).ents]


def test_the_entities_of_many_documents_are_linked_together(nlp, monkeypatch):
    model = nlp.get_pipe("angel_linker").annotator.model
    link, together = model.link, []
    monkeypatch.setattr(model, "link", lambda mentions, *rest: together.append(len(mentions)) or link(mentions, *rest))
    list(nlp.pipe(TEXTS * 3, batch_size=6))
    # Three entities, none, and one beside the two parts of another: six for each three texts.
    assert together == [12, 6]


def test_a_composite_entity_has_its_parts(nlp):
    composite = nlp(TEXTS[2]).ents[1]
    assert [part.read_as for part in composite._.angel] == ["breast cancer", "ovarian cancer"]
    assert composite.kb_id_ == composite._.angel[0].best.concept_ids[0]


def test_scispacy_users_find_their_attributes(nlp):
    linker = nlp.get_pipe("angel_linker")
    for ent in nlp(TEXTS[0]).ents:
        concept_id, score = ent._.kb_ents[0]
        assert concept_id == ent.kb_id_ and 0 < score <= 1
        entity = linker.kb.cui_to_entity[concept_id]
        assert (entity.concept_id, [entity.canonical_name, *entity.aliases]) == (concept_id, NAMES[concept_id])
    assert "D1" in linker.kb.cui_to_entity and "X" not in linker.kb.cui_to_entity


def test_low_confidence_is_nil_at_a_precision(model_dir):
    nlp = pipeline(model_dir, precision=0.9)
    for ent in nlp(TEXTS[0]).ents:
        assert (ent.kb_id_ == NIL) == ent._.angel.is_nil == (ent._.kb_ents == [])


def test_names_become_entities_where_the_pipeline_found_none(model_dir):
    nlp = spacy.blank("en")
    nlp.add_pipe("angel_linker", config={"model": str(model_dir), "detect": True})
    doc = nlp("Sporadic breast cancer; anaemia.")
    assert [(ent.text, bool(ent.kb_id_)) for ent in doc.ents] == [("Sporadic breast cancer", True), ("anaemia", True)]


def test_a_pipeline_saves_and_loads_with_its_model(nlp, tmp_path):
    nlp(TEXTS[0])
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline", config={"components": {"angel_linker": {"model": "gone"}}})
    assert isinstance(loaded.get_pipe("angel_linker"), AngelLinker)
    assert [(ent.text, ent.kb_id_) for ent in loaded(TEXTS[0]).ents] == [
        (ent.text, ent.kb_id_) for ent in nlp(TEXTS[0]).ents
    ]


def test_without_spacy_the_extra_is_named():
    code = "import sys; sys.modules['spacy'] = None; import angel_hf.spacy_component"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "the spaCy component needs: pip install 'angel-hf[spacy]'" in result.stderr
