"""Text and metadata of every kind of card."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
from huggingface_hub import (
    DatasetCardData,
    EvalResult,
    EvalResultEntry,
    ModelCardData,
    SpaceCardData,
    eval_result_entries_to_yaml,
)
from huggingface_hub.repocard_data import CardData

from angel_hf.configuration_angel import TASK
from angel_hf.marked_text import parse_marked
from angel_hf.withheld_names import WithheldNames
from hub_cards.evaluation import Evaluation
from hub_cards.facts import Facts

MODEL = "angel"
_NAMES = {"angel": "**this model**", "exact": "exact match (floor)", "memory": "memory of training strings (floor)"}
_TAGS = [TASK, "entity-normalization", "biomedical", "ontology", "angel"]

CITATION = """@article{kim2024learning,
  title   = {Learning from Negative Samples in Biomedical Generative Entity Linking},
  author  = {Kim, Chanhwi and Kim, Hyunjae and Park, Sihyeon and Lee, Jiwoo and Sung, Mujeen and Kang, Jaewoo},
  journal = {arXiv preprint arXiv:2408.16493},
  year    = {2024}
}"""


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """Counted in the model's own files."""

    concepts: int
    names: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Split:
    """A split of a data set."""

    configuration: str
    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a data set, its type as Parquet has it."""

    name: str
    type: str


def model_card(
    repository: str,
    facts: Facts,
    figures: ModelFigures,
    evaluations: tuple[Evaluation, ...],
    withheld: WithheldNames | None,
) -> str:
    """README.md of a model."""
    example = parse_marked(facts.examples[0])[0]
    data = ModelCardData(
        **_common(repository, facts, evaluations),
        library_name="transformers",
        pipeline_tag="text2text-generation",
        widget=[{"text": text} for text in facts.examples],
    )
    return _card(
        "model",
        data,
        repository=repository,
        facts=facts,
        model=figures,
        evaluations=evaluations,
        withheld=withheld,
        example=example,
        citation=CITATION,
    )


def adapter_card(
    repository: str,
    facts: Facts,
    base: str,
    base_revision: str,
    parameters: int,
    evaluations: tuple[Evaluation, ...],
) -> str:
    """README.md of LoRA adapters."""
    common = _common(repository, facts, evaluations) | {"base_model_relation": "adapter"}
    data = ModelCardData(**common, library_name="peft", base_model=base)
    return _card(
        "adapter",
        data,
        repository=repository,
        facts=facts,
        base=base,
        base_revision=base_revision,
        parameters=parameters,
        evaluations=evaluations,
    )


def dataset_card(
    repository: str,
    facts: Facts,
    splits: tuple[Split, ...],
    columns: tuple[Column, ...],
    configs: list[dict[str, Any]],
    dropped: tuple[str, ...] = (),
    reason: str = "",
) -> str:
    """README.md of a benchmark or of preference pairs; `configs` are those by which `load_dataset` finds its files."""
    data = DatasetCardData(language="en", license=facts.license, pretty_name=facts.title, tags=_TAGS, configs=configs)
    return _card(
        "dataset",
        data,
        repository=repository,
        facts=facts,
        splits=splits,
        columns=columns,
        dropped=dropped,
        reason=reason,
    )


def space_card(facts: Facts, sdk_version: str, app_file: str, models: tuple[str, ...], tags: tuple[str, ...]) -> str:
    """README.md of a Space that runs Gradio: a demo, or a metric as the evaluate library lists them."""
    data = SpaceCardData(
        title=facts.title,
        sdk="gradio",
        sdk_version=sdk_version,
        app_file=app_file,
        license=facts.license,
        models=list(models),
        tags=[*tags, *_TAGS],
    )
    return _card("space", data, facts=facts, models=models)


def eval_results_files(facts: Facts, evaluations: tuple[Evaluation, ...]) -> dict[str, str]:
    """`.eval_results/NAME.yaml` for every benchmark that has a data set on the Hub: path -> contents."""
    import yaml

    files = {}
    for evaluation in evaluations:
        if evaluation.benchmark in facts.datasets:
            entries = [
                EvalResultEntry(
                    dataset_id=facts.datasets[evaluation.benchmark],
                    task_id=evaluation.split,
                    value=score.at_1,
                    notes=f"accuracy at 1, protocol {score.protocol}, {score.mentions} mentions",
                )
                for score in evaluation.scores
                if score.predictor == MODEL
            ]
            text = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)
            files[f".eval_results/{evaluation.benchmark}-{evaluation.split}.yaml"] = text
    return files


def _common(repository: str, facts: Facts, evaluations: tuple[Evaluation, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {"language": "en", "license": facts.license, "tags": _TAGS}
    if facts.datasets:
        values["datasets"] = sorted(facts.datasets.values())
    if facts.training.emissions_grams is not None:
        values["co2_eq_emissions"] = {"emissions": facts.training.emissions_grams, "source": facts.training.hardware}
    results = [result for evaluation in evaluations for result in _eval_results(facts, evaluation)]
    if results:
        values |= {"metrics": ["accuracy"], "model_name": repository.split("/")[-1], "eval_results": results}
    return values


def _eval_results(facts: Facts, evaluation: Evaluation) -> list[EvalResult]:
    return [
        EvalResult(
            task_type=TASK,
            task_name="Entity linking",
            dataset_type=facts.datasets.get(evaluation.benchmark, evaluation.benchmark),
            dataset_name=f"{evaluation.benchmark}, protocol {score.protocol}",
            dataset_split=evaluation.split,
            # Results of one benchmark under two protocols would otherwise be taken for one another.
            dataset_config=score.protocol,
            metric_type="accuracy",
            metric_name=name,
            metric_value=value,
        )
        for score in evaluation.scores
        if score.predictor == MODEL
        for name, value in (("Accuracy at 1", score.at_1), ("Accuracy at 5", score.at_5))
    ]


def _card(template: str, data: CardData, **values: Any) -> str:
    folder = resources.files("hub_cards") / "templates"
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    source = (folder / f"{template}.md.jinja").read_text(encoding="utf-8")
    text = environment.from_string(source).render(**values, predictor_name=lambda name: _NAMES.get(name, name))
    return f"---\n{data.to_yaml()}\n---\n{text}"
