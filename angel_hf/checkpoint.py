"""Where a model's files come from: the package, a directory, or one commit of a Hub repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase
from transformers.utils import cached_file
from transformers.utils.hub import resolve_revision

from .configuration_angel import AngelConfig
from .processing_angel import AngelProcessor

EMBEDDED_MODELS = ("angel-mini",)

# What `from_pretrained` hands on to every file that it fetches.
_HUB_ARGUMENTS = ("cache_dir", "force_download", "local_files_only", "token", "subfolder")


class Checkpoint:
    """The files of one model at one revision, resolved once so that all come from the same commit.

    Args:
        path: the name of an embedded model, a directory, or a Hub repository.
        revision: branch, tag or commit of a repository.
        kwargs: the arguments of `from_pretrained`, of which those about the Hub are used.
    """

    def __init__(self, path: str | Path, revision: str | None, kwargs: dict[str, Any]) -> None:
        self.path = _embedded(path)
        self.hub = {name: kwargs[name] for name in _HUB_ARGUMENTS if name in kwargs}
        resolved = resolve_revision(
            self.path,
            revision,
            token=self.hub.get("token"),
            cache_dir=self.hub.get("cache_dir"),
            local_files_only=self.hub.get("local_files_only", False),
        )
        self.hub["revision"] = resolved or "main"

    def file(self, name: str) -> str | None:
        """The local path of a file, fetched if need be, or None where the model has none of that name."""
        return cached_file(self.path, name, _raise_exceptions_for_missing_entries=False, **self.hub)

    def config(self) -> AngelConfig:
        """The configuration; BART's own is taken for a plain BART checkpoint.

        Raises:
            ValueError: the model is of another type.
        """
        values, _ = PreTrainedConfig.get_config_dict(self.path, **self.hub)
        found = values.pop("model_type", None)
        if found not in ("angel", "bart"):
            raise ValueError(
                f"{self.path}: model type {found!r}; expected 'angel', or 'bart' for a plain BART checkpoint"
            )
        if found == "bart":
            values.pop("architectures", None)
            values["forced_eos_token_id"] = None
        return AngelConfig.from_dict(values)

    def processor(self, tokenizer: PreTrainedTokenizerBase | str | Path | None, max_length: int) -> AngelProcessor:
        """The processor saved with the model, or a default one around a tokenizer.

        Args:
            tokenizer: instead of the model's; a name or path is loaded.
            max_length: most tokens that the encoder reads, where no processor was saved.

        Raises:
            OSError: there is no tokenizer.
        """
        if tokenizer is None and self.file("processor_config.json") is not None:
            return AngelProcessor.from_pretrained(self.path, **self.hub)
        if not isinstance(tokenizer, PreTrainedTokenizerBase):
            # A tokenizer named apart is another repository, where this one's revision means nothing.
            source, hub = (tokenizer, {}) if tokenizer else (self.path, self.hub)
            try:
                tokenizer = AutoTokenizer.from_pretrained(source, **hub)
            except (OSError, ValueError) as error:
                raise OSError(
                    f"no tokenizer found in {source}; name one, as in "
                    f"from_pretrained({str(self.path)!r}, tokenizer='facebook/bart-large', ...)"
                ) from error
        return AngelProcessor(tokenizer, max_source_length=max_length)


def _embedded(path: str | Path) -> str:
    """The directory of a model that the package holds, for its name; any other path as it is."""
    directory = Path(__file__).parent / "assets" / str(path)
    if str(path) in EMBEDDED_MODELS and not Path(path).exists() and directory.is_dir():
        return str(directory)
    return str(path)
