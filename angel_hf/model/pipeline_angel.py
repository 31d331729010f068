"""`pipeline("entity-linking")`: text with mentions in, concepts out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from transformers import Pipeline

from ..search.beam import BeamSearch
from ..text.reading import parse_marked
from ..types import Linked, Mention


class EntityLinkingPipeline(Pipeline):
    """Links the mentions of texts.

    A text is a string with each mention in `[[` and `]]`, or a dict: `{"text": ..., "spans": [[start, end], ...]}` with
    offsets in characters from 0. A text gives a list with a dict for each mention; a list gives a list of such lists; a
    generator or dataset gives them one by one. `batch_size` counts mentions, whatever text they are from.

        {"start": 10, "end": 16, "mention": "ataxia", "name": "Ataxia", "concept_ids": ["D001259"], "score": -0.1,
         "candidates": [{"name": ..., "concept_ids": [...], "score": ...}, ...]}

    Offsets count in the text without marks. `name`, `concept_ids` and `score` are those of the best candidate, or
    None, [] and None where there is none.
    """

    # The model carries its processor and with it the tokenizer.
    _load_processor = _load_tokenizer = _load_image_processor = _load_feature_extractor = False

    def __init__(self, *parts: Any, batch_size: int = 32, **named: Any) -> None:
        super().__init__(*parts, batch_size=batch_size, **named)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Link one text, a list, or anything that yields texts; options: `top_k`, `num_beams`, `batch_size`.

        Raises:
            ValueError: a text has no marks or spans, or they do not fit it.
        """
        if isinstance(inputs, (list, tuple)) and not inputs:
            return []
        if isinstance(inputs, Iterable) and not isinstance(inputs, (str, Mapping, list)):
            # Datasets of every kind; transformers itself would not know those of the datasets library.
            inputs = list(inputs) if isinstance(inputs, tuple) else (text for text in inputs)
        return super().__call__(inputs, *args, **kwargs)

    def _sanitize_parameters(
        self, top_k: int | None = None, num_beams: int | None = None, **unknown: Any
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Sort the arguments of a call to the steps that take them."""
        if unknown:
            raise TypeError(f"entity-linking has no option {', '.join(unknown)}; expected top_k or num_beams")
        given = {"top_k": top_k, "num_beams": num_beams}
        return {}, {name: value for name, value in given.items() if value is not None}, {}

    def preprocess(self, input_: str | Mapping[str, Any], **_: Any) -> list[Mention]:
        """The mentions of one text.

        Raises:
            ValueError: there are no marks or spans, or they do not fit the text.
        """
        if isinstance(input_, str):
            return list(parse_marked(input_))
        if not isinstance(input_, Mapping) or not {"text", "spans"} <= set(input_):
            found = f"a dict with {', '.join(map(str, input_))}" if isinstance(input_, Mapping) else repr(input_)
            raise ValueError(f"expected text with [[mention]] marks or a dict with 'text' and 'spans', got {found}")
        return [Mention(input_["text"], start, end) for start, end in input_["spans"]]

    def _forward(
        self, input_tensors: Sequence[Mention], batch_size: int = 32, top_k: int = 10, num_beams: int | None = None
    ) -> list[Linked]:
        """Link mentions, the answers in their order; [number of mentions]."""
        if not input_tensors:
            return []
        # At least ten beams, the width of the published results, and as many as candidates are requested.
        search = BeamSearch(max(10, top_k) if num_beams is None else num_beams)
        return self.model.link(list(input_tensors), top_k, search, batch_size)

    def postprocess(self, model_outputs: Iterable[Linked], **_: Any) -> list[dict[str, Any]]:
        """Plain dicts, for JSON."""
        return [_as_dict(linked) for linked in model_outputs]

    def get_iterator(
        self,
        inputs: Iterable[Any],
        num_workers: int,
        batch_size: int,
        preprocess_params: dict[str, Any],
        forward_params: dict[str, Any],
        postprocess_params: dict[str, Any],
    ) -> Iterator[list[dict[str, Any]]]:
        """Link many texts in order, with the mentions of several in one batch; one list of dicts a text."""
        texts = iter(inputs)
        # Several batches at once, so that the model can put mentions of like length together.
        while prepared := [self.preprocess(text) for text in islice(texts, 4 * batch_size)]:
            mentions = [mention for own in prepared for mention in own]
            answers = iter(self.forward(mentions, batch_size=batch_size, **forward_params))
            for own in prepared:
                yield self.postprocess([next(answers) for _ in own])


def _as_dict(linked: Linked) -> dict[str, Any]:
    mention, best = linked.mention, linked.best
    return {
        "start": mention.start,
        "end": mention.end,
        "mention": mention.surface,
        "name": best.name if best else None,
        "concept_ids": list(best.concept_ids) if best else [],
        "score": best.score if best else None,
        "candidates": [
            {"name": one.name, "concept_ids": list(one.concept_ids), "score": one.score} for one in linked.candidates
        ],
    }
