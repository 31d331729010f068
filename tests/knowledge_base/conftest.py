"""The knowledge base that can be checked by hand."""

import pytest

from angel_hf import KnowledgeBase
from tests.toy import CONCEPTS


@pytest.fixture
def knowledge_base():
    return KnowledgeBase.from_concepts(CONCEPTS)
