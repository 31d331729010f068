"""Configuration of the linking model: BART's, and what ties a model to the files beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import BartConfig

TASK = "entity-linking"
# A saved model holds its code flattened into one folder; see `remote_code`.
_PIPELINE = "angel_code/model_pipeline_angel"
_PIPELINES = {TASK: {"impl": f"{_PIPELINE}.EntityLinkingPipeline", "pt": ["AutoModelForSeq2SeqLM"]}}
_AUTO_MAP = {
    "AutoConfig": "angel_code/model_configuration_angel.AngelConfig",
    "AutoModelForSeq2SeqLM": "angel_code/model_modeling_angel.AngelForEntityLinking",
}
_RUNS_FROM_REPOSITORY = __name__.partition(".")[0] == "transformers_modules"


def code_files() -> list[str]:
    """The code of the saved model that this file is of, by path; none where it runs from the package."""
    if not _RUNS_FROM_REPOSITORY:
        return []
    # The model's own imports lie beside this file, and transformers gets the pipeline only where one is made.
    beside = {f"angel_code/{file.name}" for file in Path(__file__).parent.glob("*.py") if file.stem != "__init__"}
    return sorted(beside | {f"{_PIPELINE}.py", "custom_generate/generate.py"})


@strict
class AngelConfig(BartConfig):
    """BART's configuration with what ties a model to its prefix and to its knowledge base.

    How text becomes ids (markers, prefix template, normalisation) is the processor's to know and is
    saved with it; the model and the search see ids only.

    Args:
        prefix_end_token_id: the last token of every decoder prefix, after which the target starts
            (" is" in the published prefix "<mention> is"); set from the tokenizer when a processor
            is attached to the model.
        normalize_before: layers normalise before each block instead of after it, and each stack once more at its end;
            BART as published does not.
        layer_norm_eps: what layer norms add to the variance; a pretrained encoder brings its own.
        knowledge_base_fingerprint: of the knowledge base that was saved with the model.
        trie_fingerprint: of the trie of its names.
        tokenizer_fingerprint: of the tokenizer that the trie was made with.
        files_of: the model whose files these weights go with: its shape, tokenizer, knowledge base and trie; a Hub
            repository may be followed by "@" and its revision. A checkpoint that names one holds nothing but weights.
    """

    model_type = "angel"

    prefix_end_token_id: int | None = None
    normalize_before: bool = False
    layer_norm_eps: float = 1e-5
    knowledge_base_fingerprint: str | None = None
    trie_fingerprint: str | None = None
    tokenizer_fingerprint: str | None = None
    files_of: str | None = None
    # BART forces an end token at the last position; here a target ends where its name does.
    forced_eos_token_id: int | list[int] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        """Leave out the repository's pipeline where this package brings its own, and a count of classes.

        transformers would insist on the repository's, and with it on `trust_remote_code`; and it would make a name
        for every class, of which linking has none, however many a file asks for.
        """
        kwargs.pop("num_labels", None)
        if not _RUNS_FROM_REPOSITORY:
            kwargs.pop("custom_pipelines", None)
        super().__post_init__(**kwargs)

    def to_dict(self) -> dict[str, Any]:
        """All values, and the classes and the pipeline that work from a repository alone."""
        return super().to_dict() | {"auto_map": _AUTO_MAP, "custom_pipelines": _PIPELINES}

    @classmethod
    def register_for_auto_class(cls, auto_class: str = "AutoConfig") -> None:
        """Leave saving the code to `remote_code`; transformers would scatter it over the saved model's root."""
