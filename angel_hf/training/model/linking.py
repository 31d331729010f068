"""A BART in training as a model that links."""

from __future__ import annotations

from transformers import BartForConditionalGeneration

from angel_hf import AngelConfig, AngelForEntityLinking, AngelProcessor, KnowledgeBase


def linking_model(
    model: BartForConditionalGeneration, processor: AngelProcessor, knowledge_base: KnowledgeBase
) -> AngelForEntityLinking:
    """A linking model with a copy of a BART's weights, on its device, for inference."""
    linking = AngelForEntityLinking(AngelConfig.from_dict(model.config.to_dict()))
    linking.load_state_dict(model.state_dict())
    linking.set_processor(processor)
    linking.set_knowledge_base(knowledge_base)
    return linking.to(model.device).eval()
