"""Text and metadata of every kind of card."""

from __future__ import annotations

import re
from dataclasses import dataclass
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

from angel_hf.knowledge_base.withheld_names import WithheldNames
from angel_hf.model.configuration_angel import TASK
from angel_hf.ranking.confidence import Confidence
from angel_hf.text.reading import parse_marked
from hub_cards.evaluation import MODEL, Evaluation
from hub_cards.facts import Facts

_NAMES = {
    MODEL: "**this model**",
    "exact": "exact match (floor)",
    "memory": "memory of training strings (floor)",
    "tfidf": "TF-IDF of character n-grams (floor)",
}
# The Hub has no task of this name; spans of a text that get an identifier are nearest to this one.
_NEAREST_TASK = "token-classification"
_TAGS = [TASK, "entity-normalization", "biomedical", "ontology", "angel"]

CITATION = """@article{kim2024learning,
  title   = {Learning from Negative Samples in Biomedical Generative Entity Linking},
  author  = {Kim, Chanhwi and Kim, Hyunjae and Park, Sihyeon and Lee, Jiwoo and Sung, Mujeen and Kang, Jaewoo},
  journal = {arXiv preprint arXiv:2408.16493},
  year    = {2024}
}"""


_MEANINGS = {
    "document_id": "the text's identifier in its source",
    "text": "the text that the mention is in",
    "start": "first character of the mention in the text, counted from 0",
    "end": "the character after its last",
    "mention": "the characters from start to end",
    "gold": "right concepts, a list for each part of the mention",
    "gold_concepts": "right concepts of the mention",
    "semantic_types": "as the source gives them",
    "concept_id": "the concept's identifier",
    "names": "names of the concept, the preferred one first",
    "alternative_ids": "other identifiers of the concept",
    "parents": "identifiers of broader concepts",
    "cross_references": "identifiers of equal or close concepts in other vocabularies",
    "prompt": "what the encoder reads",
    "prefix": "what the decoder is given",
    "chosen": "a name of a right concept",
    "rejected": "a name of another concept, which the model ranked above",
    "chosen_rank": "its place among the model's answers, from 1",
    "rejected_rank": "its place among the model's answers, from 1",
    "chosen_score": "mean log-probability of its tokens",
    "rejected_score": "mean log-probability of its tokens",
    "chosen_concepts": "all concepts that bear the name",
    "rejected_concepts": "all concepts that bear the name",
    "source": "where the mention is from: a corpus or the knowledge base",
}
"""What the columns hold that this package writes."""


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
    confidence: Confidence | None = None,
) -> str:
    """README.md of a model."""
    example = parse_marked(facts.examples[0])[0]
    data = ModelCardData(
        **_common(repository, facts, evaluations),
        library_name="transformers",
        pipeline_tag=_NEAREST_TASK,
        base_model=facts.base_model or None,
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
        confidence=confidence,
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
        example=parse_marked(facts.examples[0])[0],
        citation=CITATION,
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
    data = DatasetCardData(
        language="en",
        license=facts.license,
        pretty_name=facts.title,
        task_categories=[_NEAREST_TASK],
        size_categories=[_size_category(sum(split.rows for split in splits))],
        tags=_TAGS,
        configs=configs,
    )
    return _card(
        "dataset",
        data,
        repository=repository,
        facts=facts,
        splits=splits,
        columns=columns,
        dropped=dropped,
        reason=reason,
        meanings=_MEANINGS,
        has_pairs=any(column.name == "rejected" for column in columns),
        citations=[one for one in (facts.citation.strip(), CITATION) if one],
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
                    # A protocol is another task: its results are not to be ranked with those of others.
                    task_id="-".join(filter(None, (evaluation.split, evaluation.text, score.protocol))),
                    value=score.at_1,
                    notes=f"accuracy at 1, protocol {score.protocol}, {score.mentions} mentions",
                )
                for score in evaluation.scores
                if score.predictor == MODEL
            ]
            text = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)
            name = "-".join(filter(None, (evaluation.benchmark, evaluation.split, evaluation.text)))
            files[f".eval_results/{name}.yaml"] = text
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
            dataset_name=f"{evaluation.name}, protocol {score.protocol}",
            dataset_split=evaluation.split,
            # Results of one benchmark under two protocols would otherwise be taken for one another.
            dataset_config="-".join(filter(None, (evaluation.text, score.protocol))),
            metric_type="accuracy",
            metric_name=name,
            metric_value=value,
        )
        for score in evaluation.scores
        if score.predictor == MODEL
        for name, value in (("Accuracy at 1", score.at_1), ("Accuracy at 5", score.at_5))
    ]


def _card(template: str, data: CardData, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hub_cards"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    environment.globals["predictor_name"] = lambda name: _NAMES.get(name, name)
    loaded = environment.get_template(f"{template}.md.jinja")
    # Parts that are empty here and there leave more than one empty line behind.
    text = re.sub(r"\n{3,}", "\n\n", loaded.render(**values).strip("\n"))
    return f"---\n{data.to_yaml()}\n---\n{text}\n"


def _size_category(rows: int) -> str:
    """The Hub's name for about how many rows a data set has."""
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for bound, name in bounds if rows < bound), "n>1M")
