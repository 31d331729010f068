"""SNOMED CT in Release Format 2: the snapshot of a release.

Files, columns and identifiers are those of SNOMED International's Release File Specification (RF2).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.vocabularies.folder import placed
from angel_hf.formats.vocabularies.headed_table import headed_rows
from angel_hf.formats.vocabularies.languages import two_letters
from angel_hf.formats.vocabularies.names import distinct_names, is_number
from angel_hf.formats.vocabularies.rows import Row
from angel_hf.types import Concept

HEEDED = ("languages", "semantic_types")
_IS_A = "116680003"
_FULLY_SPECIFIED = "900000000000003001"
_PREFERRED = "900000000000548007"
_ACTIVE = "1"
# Association reference sets by their refsetId. MOVED TO leads to a namespace, not to a concept.
_SAME = ("900000000000526001", "900000000000527005")  # REPLACED BY, SAME AS
_POSSIBLE = (
    "900000000000523009",  # POSSIBLY EQUIVALENT TO
    "1186921001",  # POSSIBLY REPLACED BY
    "1186924009",  # PARTIALLY EQUIVALENT TO
    "900000000000530003",  # ALTERNATIVE
    "900000000000528000",  # WAS A
)
_DIALECTS = {"en-US": "900000000000509007", "en-GB": "900000000000508004"}
_TAG = re.compile(r"\s*\(([^()]+)\)$")
# sct2_Concept_Snapshot_INT_20260101.txt, xsct2_... before its release, and gzipped.
_NAME = re.compile(
    r"x?(?:sct2|der2)_(?P<content>Concept|Description|TextDefinition|Relationship|cRefset_\w*?)_?"
    r"(?P<kind>Snapshot|Full|Delta)(?:-(?P<language>[a-z-]+))?_[^_]+_\d{8}\.txt(?:\.gz)?",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Contents:
    """What is known of a release before its concepts are told; identifiers of descriptions are numbers, to be small."""

    parents: dict[str, list[str]] = field(default_factory=dict)
    acceptable: dict[int, bool] = field(default_factory=dict)  # of a description: whether it is preferred
    # Of a concept: whether each description is fully specified, and whether it is preferred; and its text.
    descriptions: dict[str, list[tuple[bool, bool, str]]] = field(default_factory=lambda: defaultdict(list))
    definitions: dict[str, str] = field(default_factory=dict)


def read_folder(folder: Path, selection: Selection = EVERYTHING) -> Iterator[Term | Retired | Rejected]:
    """Stream the concepts of a release folder, or of its Snapshot or Snapshot/Terminology folder.

    Names are the active synonyms that a language reference set of the release accepts, the preferred one first, and
    the fully specified name without its semantic tag; the tag, "disorder", is the semantic type. Parents are the active
    is-a relationships. Inactive concepts are retired, with the successors that the historical associations give:
    REPLACED BY and SAME AS, else the possible ones.

    Without a selection the language is English, or the only one of the release; `en-GB` and `en-US` choose by
    the dialect's reference set. What is told of a concept (some 600 MB for the International Edition) is held in
    memory, since no file stands in the order of another.

    Raises:
        ValueError: no snapshot, a file or a column of it lacks, or there is no description in a selected language.
    """
    files = _Files(folder)
    languages = [two_letters(one) for one in selection.languages]
    contents, rejected = _Contents(), list[Rejected]()
    dialects = [_DIALECTS[one] for one in selection.languages if one in _DIALECTS]
    _read_acceptability(files, contents, rejected, dialects)
    _read_parents(files, contents, rejected)
    _read_descriptions(files, contents, rejected, languages)
    yield from rejected
    rejected.clear()
    inactive = set[str]()
    for row in files.rows("Concept", ("id", "active"), rejected):
        concept_id, active = row.cells
        if not is_number(concept_id):
            rejected.append(_not_an_id(row, concept_id))
        elif active != _ACTIVE:
            inactive.add(concept_id)
        elif (term := _term(concept_id, contents, selection.semantic_types)) is not None:
            yield term
    yield from _retired(files, inactive, rejected)
    yield from rejected


def is_release(folder: Path) -> bool:
    """Whether a folder holds files of SNOMED CT, of whatever kind of release."""
    return any(_NAME.fullmatch(path.name) for path in folder.rglob("*.txt*"))


class _Files:
    """The files of a release's snapshot, by what they hold.

    Raises:
        ValueError: there is no snapshot, or it has no concepts or descriptions.
    """

    def __init__(self, folder: Path) -> None:
        self._of: dict[str, list[tuple[Path, str]]] = defaultdict(list)
        kinds = set[str]()
        for path in sorted(folder.rglob("*")):
            match = _NAME.fullmatch(path.name)
            if match is None:
                continue
            kinds.add(match["kind"].capitalize())
            if match["kind"].lower() == "snapshot":
                content = match["content"].lower()
                self._of[content].append((path, (match["language"] or "").lower()))
        if "Snapshot" not in kinds and kinds:
            raise ValueError(
                f"{folder}: holds {' and '.join(sorted(kinds))} files of SNOMED CT; expected its Snapshot: give "
                "the release folder, or Snapshot/Terminology"
            )
        for content in ("concept", "description"):
            if not self._of[content]:
                raise ValueError(f"{folder}: holds no sct2_{content.capitalize()}_Snapshot file; expected a release")
        self.languages = sorted({language for _, language in self._of["description"] if language})

    def rows(self, content: str, columns: Sequence[str], rejected: list[Rejected]) -> Iterator[Row]:
        """The rows of all files of some content; what can't be read is appended to `rejected`."""
        for path in self.paths(content):
            with Source(path) as source:
                for row in headed_rows(source, columns):
                    if isinstance(row, Rejected):
                        rejected.append(placed(row, source))
                    else:
                        yield row

    def paths(self, content: str) -> list[Path]:
        """The files; reference sets by a part of their name."""
        wanted = content.lower()
        return [
            path
            for found, entries in self._of.items()
            if found == wanted or (wanted.startswith("crefset") and found.startswith(wanted))
            for path, _ in entries
        ]


def _read_acceptability(files: _Files, contents: _Contents, rejected: list[Rejected], dialects: list[str]) -> None:
    columns = ("active", "refsetId", "referencedComponentId", "acceptabilityId")
    for row in files.rows("cRefset_Language", columns, rejected):
        active, refset, description, acceptability = row.cells
        if active != _ACTIVE or (dialects and refset not in dialects):
            continue
        if not is_number(description):
            rejected.append(_not_an_id(row, description))
            continue
        # Of two dialects, what is preferred in one is preferred, unless one is chosen.
        is_preferred = acceptability == _PREFERRED
        contents.acceptable[int(description)] = is_preferred or contents.acceptable.get(int(description), False)


def _read_parents(files: _Files, contents: _Contents, rejected: list[Rejected]) -> None:
    for row in files.rows("Relationship", ("active", "sourceId", "destinationId", "typeId"), rejected):
        active, child, parent, kind = row.cells
        if active == _ACTIVE and kind == _IS_A and not is_number(parent):
            rejected.append(_not_an_id(row, parent))
        elif active == _ACTIVE and kind == _IS_A:
            contents.parents.setdefault(child, []).append(parent)


def _read_descriptions(files: _Files, contents: _Contents, rejected: list[Rejected], languages: list[str]) -> None:
    columns = ("id", "active", "conceptId", "languageCode", "typeId", "term")
    if not languages:
        there = [language.partition("-")[0] for language in files.languages]
        languages = ["en"] if "en" in there or not there else there
    found = set[str]()
    for row in files.rows("Description", columns, rejected):
        description, active, concept_id, language, kind, text = row.cells
        found.add(language)
        if active != _ACTIVE or language.partition("-")[0] not in languages:
            continue
        if not is_number(description):
            rejected.append(_not_an_id(row, description))
            continue
        is_preferred = contents.acceptable.get(int(description))
        if is_preferred is not None or not contents.acceptable:
            is_full = kind == _FULLY_SPECIFIED
            contents.descriptions[concept_id].append((is_full, bool(is_preferred), text))
    if not contents.descriptions:
        raise ValueError(
            f"no description is in {', '.join(languages)} and accepted by a language reference set; expected one of "
            f"the languages that are there: {', '.join(sorted(found)) or 'none'}"
        )
    for row in files.rows("TextDefinition", columns, rejected):
        _, active, concept_id, language, _, text = row.cells
        if active == _ACTIVE and language.partition("-")[0] in languages:
            contents.definitions.setdefault(concept_id, " ".join(text.split()))


def _term(concept_id: str, contents: _Contents, wanted_types: Sequence[str]) -> Term | None:
    """The concept with its names, if it has any and is of a wanted type."""
    described = contents.descriptions.pop(concept_id, ())
    full = [text for is_full, _, text in described if is_full]
    synonyms = [(not preferred, text) for is_full, preferred, text in described if not is_full]
    tags = tuple(dict.fromkeys(match[1] for text in full if (match := _TAG.search(text))))
    if wanted_types and not set(tags) & set(wanted_types):
        return None
    ordered = [text for _, text in sorted(synonyms, key=lambda synonym: synonym[0])]
    names = distinct_names((*ordered, *(_TAG.sub("", text) for text in full)))
    if not names:
        return None
    parents = tuple(dict.fromkeys(contents.parents.get(concept_id, ())))
    definition = contents.definitions.get(concept_id, "")
    return Term(Concept(concept_id, names, semantic_types=tags, parents=parents), definition=definition)


def _retired(files: _Files, inactive: set[str], rejected: list[Rejected]) -> Iterator[Retired]:
    same: dict[str, list[str]] = defaultdict(list)
    possible: dict[str, list[str]] = defaultdict(list)
    columns = ("active", "refsetId", "referencedComponentId", "targetComponentId")
    for row in files.rows("cRefset_Association", columns, rejected):
        active, refset, concept_id, target = row.cells
        if active == _ACTIVE and concept_id in inactive and is_number(target):
            if refset in _SAME:
                same[concept_id].append(target)
            elif refset in _POSSIBLE:
                possible[concept_id].append(target)
    for concept_id in sorted(inactive):
        successors = dict.fromkeys(same.get(concept_id) or possible.get(concept_id) or ())
        yield Retired(concept_id, tuple(successors), is_exact=concept_id not in possible or concept_id in same)


def _not_an_id(row: Row, came: str) -> Rejected:
    return Rejected(row.line, f"the identifier {came!r}; expected digits", row.raw)
