"""A knowledge base of five diseases, a document about two of them, and a tokenizer trained on both."""

import shutil

import pytest

from angel_hf import AngelProcessor, KnowledgeBase
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.training.data.concept_names import ConceptNames
from angel_hf.training.data.corpus import AnnotatedMention, split_identifiers
from angel_hf.training.data.vocabulary import train_tokenizer
from angel_hf.training.run.pipeline import run_recipe
from angel_hf.types import Concept, Mention
from tests.training.small_recipe import recipe, write_data

CONCEPTS = [
    Concept("D1", ("Skin Neoplasms", "Cancer of the Skin", "Skin Cancer", "Skin Tumors"), ("OMIM:1",)),
    Concept("D2", ("Wilson Disease", "Hepatolenticular Degeneration", "Disease, Wilson")),
    Concept("D3", ("Deafness", "Hearing Loss")),
    Concept("D4", ("Anemia",)),
    Concept("D5", ("Ovarian Cancer", "Cancer of the Ovary", "Ovarian Neoplasms")),
]
RECORD = """7|t|Skin tumour in man.
7|a|It is no Wilson disease (WD); skin and ovarian cancer are seen.
7\t0\t11\tSkin tumour\tModifier\tOMIM:1
7\t29\t43\tWilson disease\tSpecificDisease\t D2
7\t45\t47\tWD\tSpecificDisease\tMESH:D2
7\t50\t73\tskin and ovarian cancer\tCompositeMention\tD1|D5
7\t0\t4\tSkin\tModifier\tD999
"""


@pytest.fixture(scope="session")
def concepts():
    return CONCEPTS


@pytest.fixture(scope="session")
def record():
    return RECORD


@pytest.fixture(scope="session")
def documents():
    return list(read_pubtator(RECORD.splitlines()))


@pytest.fixture(scope="session")
def mentions(documents):
    return [
        AnnotatedMention(
            Mention(document.text, annotation.start, annotation.end),
            split_identifiers(annotation.identifier),
            document.document_id,
        )
        for document in documents
        for annotation in document.annotations
    ]


@pytest.fixture(scope="session")
def knowledge_base():
    return KnowledgeBase.from_concepts(CONCEPTS)


@pytest.fixture(scope="session")
def concept_names(knowledge_base):
    return ConceptNames(knowledge_base)


@pytest.fixture(scope="session")
def tokenizer(concept_names, documents):
    texts = [f" {name}" for names in concept_names.names.values() for name in names]
    texts += [" " + document.text.lower() for document in documents]
    return train_tokenizer(texts, 400, ["START", "END", "is"])


@pytest.fixture(scope="session")
def processor(tokenizer):
    return AngelProcessor(tokenizer, max_source_length=24)


@pytest.fixture(scope="module")
def data(tmp_path_factory, concepts, record):
    path = tmp_path_factory.mktemp("data")
    write_data(path, concepts, record)
    return path


@pytest.fixture(scope="module")
def output(data, tmp_path_factory):
    """A run of the whole recipe."""
    path = tmp_path_factory.mktemp("run") / "output"
    run_recipe(recipe(data), data, path)
    return path


@pytest.fixture
def fine_tuned(output, tmp_path):
    """A run that was stopped before its preference training, and may go on under another recipe."""
    path = tmp_path / "output"
    shutil.copytree(output, path, ignore=shutil.ignore_patterns("preference", "model", "recipe.json"))
    return path
