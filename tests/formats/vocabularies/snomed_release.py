"""A made-up release of SNOMED CT in RF2: its files, columns and metadata identifiers are the specification's."""

from pathlib import Path

CONCEPT = "id effectiveTime active moduleId definitionStatusId"
DESCRIPTION = "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId"
RELATIONSHIP = (
    "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId characteristicTypeId modifierId"
)
LANGUAGE = "id effectiveTime active moduleId refsetId referencedComponentId acceptabilityId"
ASSOCIATION = "id effectiveTime active moduleId refsetId referencedComponentId targetComponentId"

FULL_NAME, SYNONYM = "900000000000003001", "900000000000013009"
US, GB = "900000000000509007", "900000000000508004"
PREFERRED, ACCEPTABLE = "900000000000548007", "900000000000549004"
REPLACED, SAME, POSSIBLE, MOVED = (
    "900000000000526001",
    "900000000000527005",
    "900000000000523009",
    "900000000000524003",
)


def write_table(path: Path, header: str, rows: list[list[str]]) -> None:
    """A tab-separated file; rows are given without effectiveTime and moduleId, `active` second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(header.split())]
    lines += ["\t".join((row[0], "20260101", row[1], "900000000000207008", *row[2:])) for row in rows]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode())


def write_release(folder: Path, kind: str = "Snapshot") -> Path:
    """Four concepts, one of them inactive in each of three ways."""
    terminology, refset = folder / kind / "Terminology", folder / kind / "Refset"
    concepts = [[f"9000{n}", active, "900000000000074008"] for n, active in enumerate("11100010", start=1)]
    write_table(terminology / f"sct2_Concept_{kind}_INT_20260101.txt", CONCEPT, concepts)
    descriptions = [
        ["101", "1", "90001", "en", FULL_NAME, "Green fever (disorder)", "x"],
        ["102", "1", "90001", "en", SYNONYM, "Fever of green color", "x"],
        ["103", "1", "90001", "en", SYNONYM, "Fever of green colour", "x"],
        ["104", "0", "90001", "en", SYNONYM, "Withdrawn fever", "x"],
        ["105", "1", "90001", "en", SYNONYM, "Accepted by none", "x"],
        ["106", "1", "90002", "en", FULL_NAME, 'Coloured "fever" (finding)', "x"],
        ["107", "1", "90003", "en", FULL_NAME, "Green liver (body structure)", "x"],
        ["108", "1", "90004", "en", FULL_NAME, "Old green fever (disorder)", "x"],
    ]
    write_table(terminology / f"sct2_Description_{kind}-en_INT_20260101.txt", DESCRIPTION, descriptions)
    spanish = [["201", "1", "90001", "es", SYNONYM, "fiebre verde", "x"]]
    write_table(terminology / f"sct2_Description_{kind}-es_INT_20260101.txt", DESCRIPTION, spanish)
    definitions = [["301", "1", "90001", "en", "900000000000550004", "A fever of green colour.", "x"]]
    write_table(terminology / f"sct2_TextDefinition_{kind}-en_INT_20260101.txt", DESCRIPTION, definitions)
    relationships = [
        ["401", "1", "90001", "90002", "0", "116680003", "x", "x"],
        ["402", "1", "90001", "90003", "1", "363698007", "x", "x"],
        ["403", "0", "90001", "90003", "0", "116680003", "x", "x"],
    ]
    write_table(terminology / f"sct2_Relationship_{kind}_INT_20260101.txt", RELATIONSHIP, relationships)
    stated = [["501", "1", "90001", "90003", "0", "116680003", "x", "x"]]
    write_table(terminology / f"sct2_StatedRelationship_{kind}_INT_20260101.txt", RELATIONSHIP, stated)
    english = [
        ["a", "1", dialect, description, acceptability]
        for dialect, description, acceptability in [
            *((dialect, f"10{n}", PREFERRED) for dialect in (US, GB) for n in (1, 6, 7, 8)),
            (US, "102", PREFERRED),
            (GB, "103", PREFERRED),
            (GB, "102", ACCEPTABLE),
        ]
    ]
    write_table(refset / "Language" / f"der2_cRefset_Language{kind}-en_INT_20260101.txt", LANGUAGE, english)
    spanish = [["b", "1", "448879004", "201", PREFERRED]]
    write_table(refset / "Language" / f"der2_cRefset_Language{kind}-es_INT_20260101.txt", LANGUAGE, spanish)
    associations = [
        ["c", "1", POSSIBLE, "90004", "90002"],
        ["d", "1", SAME, "90004", "90001"],
        ["e", "1", POSSIBLE, "90005", "90001"],
        ["f", "1", POSSIBLE, "90005", "90003"],
        ["g", "0", REPLACED, "90005", "90002"],
        ["h", "1", MOVED, "90006", "370137002"],
    ]
    write_table(refset / "Content" / f"der2_cRefset_Association{kind}_INT_20260101.txt", ASSOCIATION, associations)
    return folder
