"""Where the reference model and the names are: the shared data, or the committed sample of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
SAMPLE = REPOSITORY / "tests" / "sample"
DATA_VARIABLE = "ANGEL_SHARED_DATA"

_REFERENCE = Path("reference", "small")
_SAMPLE_REFERENCE = SAMPLE / "reference" / "tiny"
_REFERENCE_NAMES = SAMPLE / "reference" / "target_kb.json.gz"
_MESH = (
    Path("data", "kb", "mesh_id_label_mappings.tsv.gz"),
    Path("data", "kb", "mesh_supp_id_label_mappings.tsv.gz"),
)


@dataclass(frozen=True)
class BenchmarkData:
    """The files that a run measures with.

    Attributes:
        root: the folder that was looked in.
        reference: a BART model with its tokenizer and golden.json.
        reference_names: the names that golden.json was made with.
        trie_names: files of concepts whose names make the large trie.
        substitutes: for each part that `root` lacks, what stands for it; targets hold for none of these.
    """

    root: Path
    reference: Path
    reference_names: Path
    trie_names: tuple[Path, ...]
    substitutes: tuple[str, ...]

    @property
    def has_reference(self) -> bool:
        """Whether the search is measured on the model that its targets are meant for."""
        return self.reference != _SAMPLE_REFERENCE

    @property
    def has_mesh(self) -> bool:
        """Whether the trie is measured on the names that its targets are meant for."""
        return self.trie_names != (_REFERENCE_NAMES,)


def find_data(directory: Path | None = None) -> BenchmarkData:
    """Look in `directory`, else where ANGEL_SHARED_DATA says, else in `shared` beside the source tree.

    Raises:
        FileNotFoundError: `directory` was given and lacks a file; the others fall back on the committed sample.
    """
    root = directory or Path(os.environ.get(DATA_VARIABLE, REPOSITORY.parent / "shared"))
    mesh = tuple(root / path for path in _MESH)
    lacking_mesh = [path for path in mesh if not path.is_file()]
    lacking_reference = [path for path in [root / _REFERENCE / "golden.json"] if not path.is_file()]
    if directory is not None and (lacking_mesh or lacking_reference):
        raise FileNotFoundError(
            f"{(lacking_reference + lacking_mesh)[0]}: no such file; --data expects a folder with {_REFERENCE}/ and "
            f"{_MESH[0]}, {_MESH[1]}: leave it out to measure with the committed sample"
        )
    substitutes = []
    if lacking_reference:
        substitutes.append(f"{lacking_reference[0]} is not there: the sample's tiny model stands for `small`")
    if lacking_mesh:
        substitutes.append(f"{lacking_mesh[0]} is not there: the sample's NCBI-disease names stand for MeSH's")
    return BenchmarkData(
        root=root,
        reference=_SAMPLE_REFERENCE if lacking_reference else root / _REFERENCE,
        reference_names=_REFERENCE_NAMES,
        trie_names=(_REFERENCE_NAMES,) if lacking_mesh else mesh,
        substitutes=tuple(substitutes),
    )
