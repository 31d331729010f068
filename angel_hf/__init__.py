"""angel_hf links mentions in biomedical text to the concepts of a knowledge base."""

from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoProcessor

from .configuration_angel import AngelConfig
from .knowledge_base import KnowledgeBase
from .modeling_angel import AngelForEntityLinking
from .processing_angel import AngelProcessor
from .trie import NameTrie
from .types import Candidate, Concept, Hypothesis, Linked, Mention

__version__ = "0.1.0"
__all__ = [
    "AngelConfig",
    "AngelForEntityLinking",
    "AngelProcessor",
    "Candidate",
    "Concept",
    "Hypothesis",
    "KnowledgeBase",
    "Linked",
    "Mention",
    "NameTrie",
]

AutoConfig.register("angel", AngelConfig, exist_ok=True)
AutoModelForSeq2SeqLM.register(AngelConfig, AngelForEntityLinking, exist_ok=True)
AutoProcessor.register(AngelConfig, AngelProcessor, exist_ok=True)
