"""angel_hf links mentions in biomedical text to the concepts of a knowledge base."""

from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoProcessor
from transformers.pipelines import PIPELINE_REGISTRY

from .knowledge_base.knowledge_base import KnowledgeBase
from .model.checkpoint import embedded
from .model.configuration_angel import TASK, AngelConfig
from .model.entity_linking import AngelForEntityLinking
from .model.pipeline_angel import EntityLinkingPipeline
from .model.processing_angel import AngelProcessor
from .trie.name_trie import NameTrie
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
# Without a model the pipeline takes the one that the package holds; a folder has no revision, but one must be named.
PIPELINE_REGISTRY.register_pipeline(
    TASK, EntityLinkingPipeline, pt_model=AutoModelForSeq2SeqLM, default=(embedded("angel-mini"), "main")
)
