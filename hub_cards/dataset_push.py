"""Plans for data sets (benchmarks, preference pairs) and for Spaces (demo, metrics)."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from huggingface_hub import RepoCard

from hub_cards.facts import Facts
from hub_cards.licences import Restricted, find_restricted
from hub_cards.model_push import Names, refuse_names
from hub_cards.push_plan import PushPlan, collect
from hub_cards.render import Column, Split, dataset_card, space_card

# Columns that spell names of a knowledge base; mention strings are the corpus's own text.
_NAME_COLUMNS = ("name", "names", "chosen", "rejected", "synonyms")
# Columns that may hold identifiers of concepts; each is checked alone, or others' numbers would dilute them.
_IDENTIFIERS = re.compile(r"concept|gold|cui|umls|snomed|code|ids?$", re.IGNORECASE)
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
        names: what to do with names that may not be redistributed: None refuses, "withhold" leaves their columns out.

    Raises:
        FileNotFoundError: there is no Parquet file, or no card.
        ValueError: names may not be published, a file is no Parquet, or the directory's card names no configurations.
    """
    paths = sorted(directory.rglob("*.parquet"))
    if not paths:
        raise FileNotFoundError(f"{directory}: holds no Parquet file; expected one a split")
    schemas = {path: _schema(path) for path in paths}
    restricted = _find_restricted(schemas, facts.knowledge_base.name if facts else "")
    fields = [field for schema in schemas.values() for field in schema]
    spelled = tuple(dict.fromkeys(field.name for field in fields if _spells_names(field)))
    if restricted and spelled and names is None:
        raise refuse_names(restricted, directory)
    dropped = spelled if names == "withhold" else ()
    if facts is None:
        if dropped:
            raise ValueError(f"{directory}: its own card may describe the columns {', '.join(dropped)}; give --facts")
        files, left_out = collect(directory, ("**/*.parquet",), {"README.md": _own_card(directory, "configs").encode()})
        return PushPlan(repository, "dataset", files, "Data set, with its card", (), left_out)
    rendered = {path.relative_to(directory).as_posix(): _drop_columns(path, dropped) for path in paths if dropped}
    configs = _configs(directory, paths)
    columns = {field.name: str(field.type) for field in fields}
    card = dataset_card(
        repository,
        facts,
        tuple(_splits(directory, configs)),
        tuple(Column(name, type_) for name, type_ in columns.items() if name not in dropped),
        configs,
        dropped,
        restricted.reason if restricted else "the publisher withholds names",
    )
    files, left_out = collect(directory, ("**/*.parquet",), rendered | {"README.md": card.encode()})
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
    """The card of a directory; it must state what the Hub needs to show it."""
    path = directory / "README.md"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a card, or --facts from which one is rendered")
    if not _own_metadata(directory).get(key):
        raise ValueError(f"{path}: its metadata have no {key!r}, which the Hub needs; add it, or give --facts")
    return path.read_text(encoding="utf-8")


def _own_metadata(directory: Path) -> dict[str, Any]:
    path = directory / "README.md"
    try:
        return dict(RepoCard.load(path).data.to_dict())
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: its metadata cannot be read ({error}); repair it, or remove it") from error


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: not a readable Parquet file ({error})") from error


def _spells_names(field: pa.Field) -> bool:
    """Whether a column holds names, at any depth of structures."""
    if field.name in _NAME_COLUMNS:
        return True
    return any(_spells_names(field.type.field(place)) for place in range(field.type.num_fields))


def _find_restricted(schemas: dict[Path, pa.Schema], declared: str) -> Restricted | None:
    """The restricted vocabulary that a column of identifiers is from, or that the publisher names."""
    columns = ((path, name) for path, schema in schemas.items() for name in schema.names if _IDENTIFIERS.search(name))
    found = (find_restricted(_values(path, name), declared) for path, name in columns)
    return find_restricted((), declared) or next(filter(None, found), None)


def _values(path: Path, column: str) -> Iterator[str]:
    """Every string of a column, a batch at a time."""
    for batch in pq.ParquetFile(path).iter_batches(columns=[column]):
        yield from _strings(batch.columns[0].to_pylist())


def _strings(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _strings(value)
        elif isinstance(value, dict):
            yield from _strings(value.values())


def _drop_columns(path: Path, dropped: tuple[str, ...]) -> bytes:
    table = pq.read_table(path)
    buffer = io.BytesIO()
    pq.write_table(table.drop_columns([name for name in dropped if name in table.column_names]), buffer)
    return buffer.getvalue()


def _configs(directory: Path, paths: list[Path]) -> list[dict[str, Any]]:
    if (directory / "README.md").is_file():
        found = _own_metadata(directory).get("configs")
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
            rows = sum(
                pq.read_metadata(path).num_rows for pattern in patterns for path in _matching_files(directory, pattern)
            )
            yield Split(config.get("config_name", "default"), one["split"], rows)


def _matching_files(directory: Path, pattern: str) -> list[Path]:
    """The files of a directory that its card names; none lies outside it."""
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ValueError(f"{directory / 'README.md'}: names the data files {pattern!r}; expected files of the folder")
    return sorted(directory.glob(pattern))
