"""Where a model's files come from: the package, a directory, or one commit of a Hub repository."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import is_offline_mode, resolve_revision, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
    StrictDataclassError,
)
from transformers import AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase
from transformers.utils import cached_file

from angel_hf.jobs.readable import read_json_object, readable
from angel_hf.model.configuration_angel import AngelConfig
from angel_hf.model.processor import AngelProcessor

EMBEDDED_MODELS = ("angel-mini", "angel-mini-positive")

# What `from_pretrained` hands on to every file that it fetches.
_HUB_ARGUMENTS = ("cache_dir", "force_download", "local_files_only", "token", "subfolder")
_AGAIN = "fetch it again with force_download=True"


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter says about the model that it changes; `revision` is None where it names none."""

    base: str
    revision: str | None


class Checkpoint:
    """The files of one model at one revision, resolved once so that all come from the same commit.

    Args:
        path: the name of an embedded model, a directory, or a Hub repository.
        revision: branch, tag or commit of a repository.
        kwargs: the arguments of `from_pretrained`, of which those about the Hub are used.

    Raises:
        OSError: the repository or the revision is not there, or may not be seen with this token; or the Hub
            cannot be reached and the cache has nothing of this revision.
    """

    def __init__(self, path: str | Path, revision: str | None, kwargs: dict[str, Any]) -> None:
        self.path = embedded(path)
        self.is_local = Path(self.path).is_dir()
        self.hub = {name: kwargs[name] for name in _HUB_ARGUMENTS if name in kwargs}
        self.hub["revision"] = self._resolve(revision)

    def file(self, name: str) -> str | None:
        """The local path of a file, fetched if need be, or None where the model has none of that name.

        Raises:
            OSError: whether there is such a file could not be found out.
        """
        try:
            found = cached_file(self.path, name, _raise_exceptions_for_missing_entries=False, **self.hub)
        except HTTPError as error:
            raise OSError(f"{self.path}: {name} could not be fetched from the Hub ({error}); try again") from error
        if found is not None or self.is_local or self.hub.get("local_files_only") or is_offline_mode():
            return found
        # None stands for a missing file and for a broken connection alike; the cache remembers only the first.
        in_folder = f"{self.hub['subfolder']}/{name}" if self.hub.get("subfolder") else name
        if try_to_load_from_cache(self.path, in_folder, self.hub.get("cache_dir"), self.hub["revision"]) is None:
            raise OSError(f"{self.path}: {name} could not be fetched from the Hub; check the connection and try again")
        return None

    def required(self, name: str, fix: str) -> str:
        """The local path of a file that must be there.

        Raises:
            FileNotFoundError: it is not; the message ends in `fix`.
        """
        found = self.file(name)
        if found is None:
            raise FileNotFoundError(f"{self.path}: has no file {name}, which belongs to it; {fix}")
        return found

    def adapter(self) -> Adapter | None:
        """What adapter this is, or None for a whole model.

        Raises:
            ValueError: it does not tell its base model.
        """
        file = self.file("adapter_config.json")
        if file is None or self.file("config.json") is not None:
            return None
        values = read_json_object(file, f"the file is damaged: {_AGAIN}")
        if not isinstance(values.get("base_model_name_or_path"), str) or not values["base_model_name_or_path"]:
            raise ValueError(f"{file}: names no base_model_name_or_path; expected the model that the adapter changes")
        return Adapter(values["base_model_name_or_path"], values.get("revision"))

    def config(self) -> AngelConfig:
        """The configuration; BART's own is taken for a plain BART checkpoint.

        Raises:
            FileNotFoundError: there is none.
            ValueError: the model is of another type, or a value cannot be one of this type.
        """
        damaged = f"the file is damaged: {_AGAIN}"
        read_json_object(
            self.required("config.json", "expected what save_pretrained wrote, or a BART checkpoint"), damaged
        )
        # transformers reads it with the model, and passes over what is no JSON.
        if (generation := self.file("generation_config.json")) is not None:
            read_json_object(generation, damaged)
        values, _ = PreTrainedConfig.get_config_dict(self.path, **self.hub)
        found = values.pop("model_type", None)
        if found not in ("angel", "bart"):
            raise ValueError(
                f"{self.path}: model type {found!r}; expected 'angel', or 'bart' for a plain BART checkpoint"
            )
        if found == "bart":
            values.pop("architectures", None)
            values["forced_eos_token_id"] = None
        try:
            return AngelConfig.from_dict(values)
        except StrictDataclassError as error:
            raise ValueError(f"{self.path}: config.json cannot be used ({error}); {_AGAIN}") from error

    @classmethod
    def named(cls, name: str, kwargs: dict[str, Any]) -> Checkpoint:
        """A checkpoint by a name that may hold its revision, `org/model@revision`; a directory is taken as it is."""
        path, _, revision = name.partition("@")
        return cls(name, None, kwargs) if Path(name).is_dir() else cls(path, revision or None, kwargs)

    def companion(self, config: AngelConfig) -> Checkpoint:
        """What holds all files but the weights: this checkpoint, or the model that its configuration names.

        Raises:
            ValueError: that model names yet another one.
            OSError: it cannot be had.
        """
        if config.files_of is None:
            return self
        hub = {name: value for name, value in self.hub.items() if name not in ("revision", "subfolder")}
        whole = Checkpoint.named(config.files_of, hub)
        if (other := whole.config().files_of) is not None:
            raise ValueError(
                f"{self.path}: config.json names the files of {config.files_of}, which names those of {other}; "
                "expected a whole model"
            )
        return whole

    def processor(self, tokenizer: PreTrainedTokenizerBase | str | Path | None, max_length: int) -> AngelProcessor:
        """The processor saved with the model, or a default one around a tokenizer.

        Args:
            tokenizer: instead of the model's; a name or path is loaded. The saved processor's settings stay.
            max_length: most tokens that the encoder reads, where no processor was saved.

        Raises:
            OSError: there is no tokenizer.
            ValueError: it is damaged, or is code of the repository, which is not run.
        """
        is_saved = self.file("processor_config.json") is not None
        if tokenizer is None and is_saved:
            # transformers makes an empty tokenizer where the file is missing.
            self.required(
                "tokenizer.json", "fetch it again with force_download=True, or give from_pretrained a tokenizer"
            )
            return self._saved_processor()
        if not isinstance(tokenizer, PreTrainedTokenizerBase):
            # A tokenizer named apart is another repository, where this one's revision means nothing.
            source, hub = (tokenizer, {}) if tokenizer else (self.path, self.hub)
            missing = OSError(
                f"no tokenizer found in {source}; name one, as in "
                f"from_pretrained({str(self.path)!r}, tokenizer='facebook/bart-large', ...)"
            )
            try:
                loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source, trust_remote_code=False, **hub)
            except (OSError, ValueError) as error:
                raise missing from error
            if len(loaded) <= len(loaded.all_special_ids):
                raise missing
            tokenizer = loaded
        with readable(f"{self.path}: processor_config.json", f"the file is damaged: {_AGAIN}"):
            settings = AngelProcessor.get_processor_dict(self.path, **self.hub)[0] if is_saved else {}
            return AngelProcessor.from_args_and_dict([tokenizer], {"max_source_length": max_length} | settings)

    def _saved_processor(self) -> AngelProcessor:
        """The processor as it was saved; a tokenizer that is code of the repository is refused without a question."""
        damaged = f"{self.path}: tokenizer.json cannot be read, the file is damaged; {_AGAIN}"
        try:
            return AngelProcessor.from_pretrained(self.path, trust_remote_code=False, **self.hub)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(damaged) from error
        except (OSError, ImportError):
            raise
        except ValueError as error:
            if "trust_remote_code" in str(error) or self.path in str(error):
                raise
            raise ValueError(f"{self.path}: its processor or tokenizer cannot be used ({error}); {_AGAIN}") from error
        except Exception as error:  # the tokenizers library has no type of its own for this
            raise ValueError(damaged) from error

    def _resolve(self, revision: str | None) -> str:
        """The commit that a branch or tag stands for now; in a directory revisions mean nothing."""
        if self.is_local:
            return revision or "main"
        hub: dict[str, Any] = {name: self.hub[name] for name in ("token", "cache_dir") if name in self.hub}
        requested = f"revision {revision!r} of {self.path}" if revision else self.path
        try:
            offline = self.hub.get("local_files_only", False) or is_offline_mode()
            return resolve_revision(self.path, revision=revision, local_files_only=offline, **hub).resolved
        except GatedRepoError as error:
            raise OSError(f"{self.path}: access must be asked for on its page on the Hub") from error
        except RevisionNotFoundError as error:
            raise OSError(f"{requested} is not there; expected a branch, tag or commit of the repository") from error
        except RepositoryNotFoundError as error:
            raise OSError(
                f"{self.path}: neither a directory here nor a repository on the Hub that this token may see; if it is "
                "private, log in with `hf auth login` or pass token=..."
            ) from error
        except HfHubHTTPError as error:
            if error.response.status_code == 401:
                raise OSError(
                    f"{self.path}: the Hub does not know this token; log in anew with `hf auth login`, or pass "
                    "token=False for a repository that anyone may see"
                ) from error
            raise OSError(f"{requested}: the Hub gave no usable answer ({error}); try again later") from error
        except HFValidationError as error:
            raise OSError(f"{self.path}: neither a directory here nor the name of a Hub repository ({error})") from None
        except RevisionResolutionError as error:
            raise OSError(f"{requested}: not in the cache, and the Hub cannot be asked ({error})") from error


def embedded(path: str | Path) -> str:
    """The directory of a model that the package holds, for its name; any other path as it is."""
    directory = Path(__file__).parents[1] / "assets" / str(path)
    if str(path) in EMBEDDED_MODELS and not Path(path).exists() and directory.is_dir():
        return str(directory)
    return str(path)
