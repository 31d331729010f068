"""Plans for models and adapters."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import HfApi
from safetensors import SafetensorError, safe_open

from angel_hf.jobs.readable import read_json_object
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.knowledge_base.stored_knowledge_base import KNOWLEDGE_BASE_FILE
from angel_hf.knowledge_base.withheld_names import CONCEPT_IDS_FILE, RECIPE_FILE, WithheldNames, names_sha256
from angel_hf.ranking.confidence import CONFIDENCE_FILE, Confidence
from angel_hf.trie.stored_trie import TRIE_FILE
from hub_cards.evaluation import Evaluation
from hub_cards.facts import Facts
from hub_cards.licences import Restricted, find_restricted
from hub_cards.push_plan import PushPlan, collect
from hub_cards.render import ModelFigures, adapter_card, eval_results_files, model_card

Names = Literal["publish", "withhold"]

# By name, so that no stray file is pushed: no pickle, no list of withheld names.
_MODEL_FILES = (
    "config.json", "generation_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "model.safetensors",
    "model-*-of-*.safetensors", "model.safetensors.index.json", KNOWLEDGE_BASE_FILE, TRIE_FILE, CONFIDENCE_FILE,
    "*.py", "custom_generate/*.py", "LICENSE", "NOTICE",
)  # fmt: skip
_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", "LICENSE", "NOTICE")
# Of an earlier push: they would be taken for the new model's.
_STALE = (
    "model*.safetensors", "model.safetensors.index.json", "pytorch_model*.bin", "pytorch_model.bin.index.json",
    KNOWLEDGE_BASE_FILE, TRIE_FILE, CONFIDENCE_FILE, RECIPE_FILE, CONCEPT_IDS_FILE, ".eval_results/*.yaml",
)  # fmt: skip
_ADAPTER_STALE = ("adapter_model.bin", ".eval_results/*.yaml")
_HOW = "with --names withhold push concept ids and a recipe; with --names publish, names, if your licence allows it"


def plan_model(
    directory: Path, repository: str, facts: Facts, evaluations: Sequence[Evaluation], names: Names | None = None
) -> PushPlan:
    """A model that `save_pretrained` wrote, with its card.

    Args:
        directory: of the model.
        repository: "owner/name".
        facts: for the card.
        evaluations: for the card, `model-index` and `.eval_results`.
        names: whether names of a vocabulary that may not be redistributed are published or withheld; None refuses.

    Raises:
        FileNotFoundError: the directory holds no such model.
        ValueError: it is another kind of model, or the names may not be published.
    """
    config = _read_json(directory / "config.json", "a directory that AngelForEntityLinking.save_pretrained wrote")
    if config.get("model_type") != "angel":
        raise ValueError(
            f"{directory}: model type {config.get('model_type')!r}; expected 'angel': make one with `angel convert`"
        )
    if not (directory / KNOWLEDGE_BASE_FILE).is_file():
        raise FileNotFoundError(f"{directory / KNOWLEDGE_BASE_FILE}: no such file; expected the model's knowledge base")
    knowledge_base = KnowledgeBase.load(directory)
    restricted = find_restricted(knowledge_base.concept_ids, facts.knowledge_base.name)
    withheld = _withheld(knowledge_base, facts, restricted, names)
    hidden: tuple[str, ...] = ()
    rendered: dict[str, bytes] = {}
    if withheld is not None:
        hidden = (KNOWLEDGE_BASE_FILE, TRIE_FILE)
        rendered |= _withheld_files(withheld)
        # Missing files must not be requested.
        fingerprints = dict.fromkeys(("knowledge_base_fingerprint", "trie_fingerprint"))
        rendered["config.json"] = (json.dumps(config | fingerprints, indent=2, allow_nan=False) + "\n").encode()
    figures = ModelFigures(knowledge_base.num_concepts, knowledge_base.num_names, _parameters(directory))
    confidence = Confidence.load(directory) if (directory / CONFIDENCE_FILE).is_file() else None
    card = model_card(repository, facts, figures, tuple(evaluations), withheld, confidence)
    rendered |= {"README.md": card.encode()} | _encode(eval_results_files(facts, tuple(evaluations)))
    files, left_out = collect(directory, _MODEL_FILES, rendered)
    kept = tuple(file for file in files if file.path not in hidden)
    left_out += tuple((file.path, "names, withheld") for file in files if file.path in hidden)
    return PushPlan(repository, "model", kept, f"{facts.title}, with its card", _STALE, left_out)


def plan_adapter(
    directory: Path, repository: str, facts: Facts, evaluations: Sequence[Evaluation], base: str | None = None
) -> PushPlan:
    """LoRA adapters that PEFT wrote, tied to the commit of their base.

    Args:
        directory: of the adapters.
        repository: "owner/name".
        facts: for the card.
        evaluations: for the card.
        base: Hub repository of the base, where the adapters were trained on a copy elsewhere.

    Raises:
        FileNotFoundError: the directory holds no adapters.
        ValueError: the base is not on the Hub.
    """
    config = _read_json(directory / "adapter_config.json", "a directory that PEFT's save_pretrained wrote")
    weights = directory / "adapter_model.safetensors"
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: no such file; expected the adapters' weights in safetensors")
    base = base or config.get("base_model_name_or_path") or ""
    if Path(base).exists() or base.count("/") != 1:
        raise ValueError(
            f"{directory}: its base is {base!r}, which exists here only; push the base first and name it with --base"
        )
    same_base = base == config.get("base_model_name_or_path")
    revision = (config.get("revision") if same_base else None) or HfApi().model_info(base).sha
    tied = config | {"base_model_name_or_path": base, "revision": revision}
    card = adapter_card(repository, facts, base, str(revision), _parameters_in(weights), tuple(evaluations))
    rendered = {
        "README.md": card.encode(),
        "adapter_config.json": (json.dumps(tied, indent=2, allow_nan=False) + "\n").encode(),
    }
    rendered |= _encode(eval_results_files(facts, tuple(evaluations)))
    files, left_out = collect(directory, _ADAPTER_FILES, rendered)
    return PushPlan(repository, "model", files, f"{facts.title}, with its card", _ADAPTER_STALE, left_out)


def refuse_names(restricted: Restricted, where: object) -> ValueError:
    """The error that names may not be published."""
    return ValueError(f"{where}: holds names of {restricted.name}, and {restricted.reason}; {_HOW}")


def _withheld(
    knowledge_base: KnowledgeBase, facts: Facts, restricted: Restricted | None, names: Names | None
) -> WithheldNames | None:
    if names == "withhold":
        reason = restricted.reason if restricted else "its publisher withholds them"
        return WithheldNames(
            source=facts.knowledge_base.name,
            version=facts.knowledge_base.version,
            reason=reason,
            url=restricted.url if restricted else facts.knowledge_base.url,
            normalization=knowledge_base.normalization,
            names_sha256=names_sha256(knowledge_base),
            concept_ids=tuple(knowledge_base.concept_ids),
        )
    if restricted is not None and names is None:
        raise refuse_names(restricted, f"the knowledge base {facts.knowledge_base.name!r}")
    return None


def _withheld_files(withheld: WithheldNames) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        withheld.save(folder)
        return {name: (Path(folder) / name).read_bytes() for name in (RECIPE_FILE, CONCEPT_IDS_FILE)}


def _parameters(directory: Path) -> int:
    """Counted in the headers of the weights; what is stored once counts once."""
    count = sum(map(_parameters_in, sorted(directory.glob("model*.safetensors"))))
    if not count:
        raise FileNotFoundError(f"{directory}: has no model.safetensors; expected weights in safetensors")
    return count


def _parameters_in(weights: Path) -> int:
    try:
        with safe_open(weights, framework="np") as file:
            return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise ValueError(f"{weights}: not a readable safetensors file ({error}); save it again") from error


def _read_json(path: Path, expected: str) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected {expected}")
    return read_json_object(path, f"expected {expected}")


def _encode(files: dict[str, str]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in files.items()}
