"""Our search on ids, called as `TransformersSearch.search` is."""

from __future__ import annotations

from collections.abc import Sequence

from angel_hf import AngelForEntityLinking
from angel_hf.search import BeamSearch
from angel_hf.types import Hypothesis, Question


def questions_of(
    model: AngelForEntityLinking, encoder_ids: Sequence[Sequence[int]], prefix_ids: Sequence[Sequence[int]]
) -> list[Question]:
    """Questions of source ids and of prefix ids without their start token."""
    start = model.config.decoder_start_token_id
    assert isinstance(start, int), "BART starts a target with one token"
    return [Question(source, [start, *prefix]) for source, prefix in zip(encoder_ids, prefix_ids, strict=True)]


def search_ids(
    model: AngelForEntityLinking,
    encoder_ids: Sequence[Sequence[int]],
    prefix_ids: Sequence[Sequence[int]],
    num_beams: int = 10,
    batch_size: int = 32,
) -> list[Sequence[Hypothesis]]:
    """The published search; for each mention, in the order given, its names, best first."""
    questions = questions_of(model, encoder_ids, prefix_ids)
    return model.answer(questions, BeamSearch(num_beams), num_beams, batch_size)
