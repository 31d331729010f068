"""How each model of a study answers the mentions of a split."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from angel_hf import AngelForEntityLinking
from angel_hf.text_file import write_json
from benchmarks.negatives.study import Study, Trained, models_of
from benchmarks.option_measurement import ranks_of
from eval_harness.benchmarks import BENCHMARKS
from eval_harness.corpus import Corpus, open_corpus
from eval_harness.metrics.entity_linking.ranks import hits_at
from eval_harness.protocol import protocols_named
from eval_harness.task import Task, prepare_task


@dataclass
class Answers:
    """How the models of one variant answer a split, a mention after the other, all folds.

    Attributes:
        documents: fold and document of each mention.
        hits: for each seed, whether the first answer to each mention is right.
    """

    documents: list[tuple[str, str]] = field(default_factory=list)
    hits: dict[int, list[bool]] = field(default_factory=lambda: defaultdict(list))


def answer_all(study: Study, data: Path, runs: Path, progress: Callable[[str], None]) -> dict[str, dict[str, Answers]]:
    """For each split and variant how its models answer; what was asked before is read from the run's directory."""
    (benchmark,) = (one for one in BENCHMARKS if one.name == study.benchmark)
    corpus = open_corpus(benchmark, data / study.source, study.text, [data / name for name in study.knowledge_base])
    found: dict[str, dict[str, Answers]] = {split: defaultdict(Answers) for split in study.splits}
    for split in study.splits:
        tasks: dict[str, Task] = {}
        for model in models_of(study):
            if model.fold not in tasks:
                tasks[model.fold] = _task(corpus, study, split, model.fold)
            task = tasks[model.fold]
            answers = found[split][model.variant]
            if model.seed == min(seed for seed in (model.seed, *answers.hits)):
                answers.documents += [(model.fold, example.document_id) for example in task.examples]
            answers.hits[model.seed] += _hits(model, task, runs / model.directory, split, progress)
    return found


def _task(corpus: Corpus, study: Study, split: str, fold: str) -> Task:
    (protocol,) = protocols_named(study.protocol)
    return prepare_task(corpus, split, protocol, fold)


def _hits(model: Trained, task: Task, run: Path, split: str, progress: Callable[[str], None]) -> list[bool]:
    path = run / f"hits-{split}.json"
    asked = {"protocol": task.protocol.name, "task": task.fingerprint}
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["asked"] == asked:
            return list(known["hits"])
    progress(f"{split}: asking {model.directory}")
    linking = AngelForEntityLinking.from_pretrained(run / "model").float().eval()
    if linking.knowledge_base is None or linking.knowledge_base.fingerprint != task.knowledge_base.fingerprint:
        linking.set_knowledge_base(task.knowledge_base)
    hits = hits_at(1, ranks_of(linking.link([example.mention for example in task.examples]), task))
    write_json(path, {"asked": asked, "hits": hits})
    return hits
