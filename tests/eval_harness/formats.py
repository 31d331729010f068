"""Small files in the formats of the releases, word for word as these have them but with invented contents."""

import gzip
from pathlib import Path

from angel_hf import KnowledgeBase

SPLITS = ("train", "dev", "test")

BC5CDR_RECORD = """\
{id}|t|Lithium carbonate toxicity in a newborn.
{id}|a|Hypotonia and lethargy, colon and liver tumors followed.
{id}\t0\t17\tLithium carbonate\tChemical\tD016651
{id}\t18\t26\ttoxicity\tDisease\tD064420
{id}\t41\t50\tHypotonia\tDisease\tD009123
{id}\t55\t63\tlethargy\tDisease\t-1
{id}\t65\t87\tcolon and liver tumors\tDisease\tD003110|D008113\tcolon tumors|liver tumors
{id}\tCID\tD016651\tD009123

"""

COMETA_HEADER = (
    "\tID\tTerm\tGeneral SNOMED ID\tGeneral SNOMED Label\tSpecific SNOMED ID\tSpecific SNOMED Label\tExample"
)
COMETA_ROWS = (
    "0\tabc\tThroat\t49928004\tStructure of throat\t49928004\tStructure of throat\tmy throat hurts",
    "1\tdef\tbirth control pills\t5935008\tOral contraception\t5935008\tOral contraception\ton the pill again",
)

MEDMENTIONS_RECORD = """\
{id}|t|DCTN4 as a modifier of infection
{id}|a|Pseudomonas in cystic fibrosis.
{id}\t0\t5\tDCTN4\tT103\tUMLS:C4308010
{id}\t48\t63\tcystic fibrosis\tT038\tUMLS:C0010674

"""


def write_bc5cdr(directory: Path) -> Path:
    """One document a split, with a composite mention and one without a concept."""
    directory.mkdir(parents=True)
    for number, split in enumerate(SPLITS):
        (directory / f"{split}_corpus.txt").write_text(BC5CDR_RECORD.format(id=8701013 + number))
    return directory


def write_cometa(directory: Path) -> Path:
    """Two rows a split; the second term is not in its sentence."""
    folder = directory / "splits" / "stratified_general"
    folder.mkdir(parents=True)
    for split in SPLITS:
        (folder / f"{split}.csv").write_text("\n".join([COMETA_HEADER, *COMETA_ROWS]) + "\n")
    return directory


def write_askapatient(directory: Path, folds: str = "0123456789") -> Path:
    """Two phrases for each file of ten folds, one of them with a letter that is not ASCII, in Latin-1."""
    directory.mkdir(parents=True)
    for fold in folds:
        for split in ("train", "validation", "test"):
            phrase = "can't sleep" if split == "test" else f"naïvely awake {fold}"
            text = f"193462001\tInsomnia\t{phrase}\n3877011000036101\tLipitor\tLipitor\n"
            (directory / f"AskAPatient.fold-{fold}.{split}.txt").write_bytes(text.encode("latin-1"))
    return directory


def write_medmentions(directory: Path) -> Path:
    """One document a split in a compressed corpus, and the lists of ids."""
    (directory / "st21pv" / "data").mkdir(parents=True)
    (directory / "full" / "data").mkdir(parents=True)
    records = [MEDMENTIONS_RECORD.format(id=25763772 + number) for number in range(3)]
    corpus = directory / "st21pv" / "data" / "corpus_pubtator.txt.gz"
    corpus.write_bytes(gzip.compress("".join(records).encode()))
    for number, name in enumerate(("trng", "dev", "test")):
        (directory / "full" / "data" / f"corpus_pubtator_pmids_{name}.txt").write_text(f"{25763772 + number}\n")
    return directory


def write_names(path: Path) -> Path:
    """A knowledge base of the concepts that the files above name."""
    names = {
        "D016651": ["Lithium carbonate"],
        "D064420": ["Drug-related side effects", "toxicity"],
        "D009123": ["Muscle hypotonia", "hypotonia"],
        "D003110": ["Colonic neoplasms", "colon tumors"],
        "D008113": ["Liver neoplasms"],
        "49928004": ["throat"],
        "5935008": ["oral contraception"],
        "193462001": ["insomnia"],
        "C4308010": ["DCTN4"],
        "C0010674": ["cystic fibrosis", "mucoviscidosis"],
    }
    return KnowledgeBase.from_names(names).save(path)
