"""Plans for data sets (benchmarks, preference pairs) and for Spaces (demo, metrics)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from huggingface_hub import RepoCard

from hub_cards.facts import Facts
from hub_cards.licences import find_restricted
from hub_cards.model_push import Names, refuse_names
from hub_cards.push_plan import PushPlan, collect
from hub_cards.render import Column, Split, dataset_card, space_card

# Columns that spell names of a knowledge base; mention strings are the corpus's own text.
_NAME_COLUMNS = ("name", "names", "chosen", "rejected", "synonyms")
_SPLITS = ("train", "validation", "dev", "test")
_SPACE_FILES = tuple(
    f"**/*.{end}" for end in ("py", "txt", "md", "css", "js", "json", "toml", "png", "svg", "pubtator")
)


def plan_dataset(directory: Path, repository: str, facts: Facts | None, names: Names | None = None) -> PushPlan:
    """Parquet files, one a split, with a card by which `load_dataset` finds them.

    Args:
        directory: of Parquet files; the configurations of a README.md in it are kept, without one each folder is a
            configuration and each file a split by its name.
        repository: "owner/name".
        facts: for the card; None keeps the README.md of the directory, as `angel-eval build` and `angel mine` write it.
        names: what to do with names that may not be passed on: None refuses, "withhold" leaves their columns out.

    Raises:
        FileNotFoundError: there is no Parquet file, or no card.
        ValueError: names may not be published, a file is no Parquet, or the directory's card tells no configurations.
    """
    paths = sorted(directory.rglob("*.parquet"))
    if not paths:
        raise FileNotFoundError(f"{directory}: holds no Parquet file; expected one a split")
    schemas = {path: _schema(path) for path in paths}
    restricted = find_restricted(_concept_ids(schemas), facts.knowledge_base.name if facts else "")
    spelled = tuple(
        dict.fromkeys(name for schema in schemas.values() for name in schema.names if name in _NAME_COLUMNS)
    )
    if restricted and spelled and names is None:
        raise refuse_names(restricted, directory)
    dropped = spelled if names == "withhold" else ()
    if facts is None:
        if dropped:
            raise ValueError(f"{directory}: its own card may tell of the columns {', '.join(dropped)}; give --facts")
        files, left_out = collect(directory, ("**/*.parquet",), {"README.md": _own_card(directory, "configs").encode()})
        return PushPlan(repository, "dataset", files, "Data set, with its card", (), left_out)
    made = {path.relative_to(directory).as_posix(): _without(path, dropped) for path in paths if dropped}
    configs = _configs(directory, paths)
    columns = {field.name: str(field.type) for schema in schemas.values() for field in schema}
    card = dataset_card(
        repository,
        facts,
        tuple(_splits(directory, configs)),
        tuple(Column(name, type_) for name, type_ in columns.items() if name not in dropped),
        configs,
        dropped,
        restricted.reason if restricted else "the publisher keeps names back",
    )
    files, left_out = collect(directory, ("**/*.parquet",), made | {"README.md": card.encode()})
    return PushPlan(repository, "dataset", files, f"{facts.title}, with its card", (), left_out)


def plan_space(
    directory: Path,
    repository: str,
    facts: Facts | None,
    sdk_version: str,
    models: tuple[str, ...] = (),
    tags: tuple[str, ...] = (),
) -> PushPlan:
    """A Gradio Space: the demo, or a metric, which the evaluate library keeps as a Space with the tag `evaluate`.

    Without facts the README.md of the directory is its card.

    Raises:
        FileNotFoundError: the directory has no app.py, or no card.
        ValueError: the directory's card is not a Space's.
    """
    if not (directory / "app.py").is_file():
        raise FileNotFoundError(f"{directory / 'app.py'}: no such file; expected the program that the Space runs")
    card = space_card(facts, sdk_version, "app.py", models, tags) if facts else _own_card(directory, "sdk")
    files, left_out = collect(directory, _SPACE_FILES, {"README.md": card.encode()})
    title = f"{facts.title if facts else directory.name}, with its card"
    return PushPlan(repository, "space", files, title, (), left_out, space_sdk="gradio")


def _own_card(directory: Path, key: str) -> str:
    """The card that a directory brings; it must tell what the Hub needs to show it."""
    path = directory / "README.md"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a card, or --facts from which one is made")
    card = RepoCard.load(path)
    if not card.data.get(key):
        raise ValueError(f"{path}: its metadata have no {key!r}, which the Hub needs; add it, or give --facts")
    return path.read_text(encoding="utf-8")


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: not a readable Parquet file ({error})") from error


def _concept_ids(schemas: dict[Path, pa.Schema]) -> Iterator[str]:
    """Every string of the columns that hold identifiers, a batch at a time."""
    for path, schema in schemas.items():
        columns = [name for name in schema.names if "concept" in name]
        for batch in pq.ParquetFile(path).iter_batches(columns=columns) if columns else ():
            for column in batch.columns:
                yield from _strings(column.to_pylist())


def _strings(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _strings(value)


def _without(path: Path, dropped: tuple[str, ...]) -> bytes:
    table = pq.read_table(path)
    buffer = io.BytesIO()
    pq.write_table(table.drop_columns([name for name in dropped if name in table.column_names]), buffer)
    return buffer.getvalue()


def _configs(directory: Path, paths: list[Path]) -> list[dict[str, Any]]:
    readme = directory / "README.md"
    if readme.is_file() and (parts := readme.read_text(encoding="utf-8").split("---\n"))[0] == "" and len(parts) > 2:
        found = (yaml.safe_load(parts[1]) or {}).get("configs")
        if found:
            return [dict(config) for config in found]
    by_folder: dict[str, list[dict[str, str]]] = {}
    for path in paths:
        relative = path.relative_to(directory)
        split = next((name for name in _SPLITS if path.stem.startswith(name)), path.stem)
        files = by_folder.setdefault(relative.parent.as_posix(), [])
        files.append({"split": split, "path": relative.as_posix()})
    return [
        {"config_name": "default" if folder == "." else folder.replace("/", "-"), "data_files": files}
        for folder, files in by_folder.items()
    ]


def _splits(directory: Path, configs: list[dict[str, Any]]) -> Iterator[Split]:
    for config in configs:
        files = config["data_files"]
        for one in [{"split": "train", "path": files}] if isinstance(files, str) else files:
            patterns = [one["path"]] if isinstance(one["path"], str) else one["path"]
            rows = sum(pq.read_metadata(path).num_rows for pattern in patterns for path in directory.glob(pattern))
            yield Split(config.get("config_name", "default"), one["split"], rows)
