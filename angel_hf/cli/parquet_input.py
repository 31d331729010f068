"""Parquet, which is for `angel bulk`, given to another command."""

from __future__ import annotations

from pathlib import Path

from angel_hf.cli.failure import InputError


def refuse_parquet(source: str) -> None:
    """Refuse an input that only `angel bulk` reads.

    Raises:
        InputError: the source is Parquet, a folder that holds no other files, a pattern, or a URI.
    """
    path = Path(source)
    is_pattern = "*" in source and not path.exists()
    if source.endswith(".parquet") or "://" in source or is_pattern or _holds_only_parquet(path):
        raise InputError(
            f"--input {source}: Parquet files, folders of them, patterns and URIs are for angel bulk; expected "
            f"angel bulk --input {source} --output FOLDER"
        )


def _holds_only_parquet(path: Path) -> bool:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else []
    return bool(files) and all(file.suffix == ".parquet" for file in files)
