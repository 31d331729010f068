"""NCBI Gene and Taxonomy: what a row says, what is retired, and how archives are read."""

import gzip
import io
import tarfile

import pytest

from angel_hf.formats.selection import Selection
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies import ncbi_gene, ncbi_taxonomy
from angel_hf.types import Concept
from tests.formats.vocabularies.reading import read_text, rejections, retired, terms

GENE_COLUMNS = (
    "#tax_id GeneID Symbol LocusTag Synonyms dbXrefs chromosome map_location description type_of_gene "
    "Symbol_from_nomenclature_authority Full_name_from_nomenclature_authority Nomenclature_status Other_designations "
    "Modification_date Feature_type"
).replace(" ", "\t")
GENES = "\n".join(
    "\t".join(cells)
    for cells in (
        GENE_COLUMNS.split("\t"),
        (
            *(
                "9606",
                "900001",
                "GRN1",
                "-",
                "G1|GRNA",
                "MIM:900100|HGNC:HGNC:5|Ensembl:ENSG9",
                "1",
                "1p1",
                "green one",
            ),
            *("protein-coding", "GRN1", "green protein 1", "O", 'green "A" chain', "20260101", "-"),
        ),
        ("10090", "900002", "Grn1", "-", "-", "MGI:MGI:7", "1", "-", "green one, mouse", "other", *"----", "-", "-"),
        ("7227", "900003", "NEWENTRY", *"-----", "Record to support submission", "other", *"------"),
        ("9606", "nine", "BAD", *"-----", "bad", "other", *"------"),
        ("9606", "900004"),
    )
)
HISTORY = """#tax_id	GeneID	Discontinued_GeneID	Discontinued_Symbol	Discontinue_Date
9606	900001	800001	OLD1	20250101
10090	-	800002	Old2	20250101
9606	-	x	y	20250101
"""
HUMAN = Term(
    Concept(
        "900001", ("GRN1", "green protein 1", "green one", "G1", "GRNA", 'green "A" chain'), semantic_types=("Gene",)
    ),
    ("MIM:900100", "HGNC:5", "Ensembl:ENSG9"),
)
MOUSE = Term(Concept("900002", ("Grn1", "green one, mouse"), semantic_types=("Gene",)), ("MGI:7",))


def test_genes_with_their_references_and_species():
    items = read_text(ncbi_gene.read, gzip.compress(GENES.encode()))
    assert items[:2] == [HUMAN, MOUSE]
    assert rejections(items) == [
        (5, "GeneID 'nine'; expected digits"),
        (6, "2 columns; expected 16, as the first line names"),
    ]


@pytest.mark.parametrize("taxon", ["10090", "NCBITaxon:10090"])
def test_genes_of_a_species_and_what_is_discontinued(tmp_path, taxon):
    (tmp_path / "gene_info.gz").write_bytes(gzip.compress(GENES.encode()))
    (tmp_path / "gene_history").write_text(HISTORY)
    items = list(ncbi_gene.read_folder(tmp_path, Selection(taxa=(taxon,))))
    assert list(terms(items).values()) == [MOUSE] and retired(items) == {"800002": ()}
    items = list(ncbi_gene.read_folder(tmp_path))
    assert list(terms(items).values()) == [HUMAN, MOUSE]
    assert retired(items) == {"800001": ("900001",), "800002": ()}
    assert (4, "Discontinued_GeneID 'x'; expected digits") in rejections(items)


def dump(*rows: str) -> str:
    """Rows of a .dmp file."""
    return "".join("\t|\t".join(row.split("~")) + "\t|\n" for row in rows)


TAXDUMP = {
    "names.dmp": dump(
        "1~all~~synonym",
        "1~root~~scientific name",
        "2~Bacteria~Bacteria <bacteria>~scientific name",
        "2~bacteria~~blast name",
        "90~Viridis febris (Smith 1900)~~authority",
        "90~green fever bug~~genbank common name",
        "90~Viridis febris~~scientific name",
        "95~Lost~~scientific name",
    ),
    "nodes.dmp": dump("1~1~no rank~", "2~1~superkingdom~", "90~2~species~", "91~2~species~"),
    "merged.dmp": dump("80~90"),
    "delnodes.dmp": dump("81"),
    "division.dmp": dump("0~BCT~Bacteria~"),
}


def read_dump(path, packed):
    if not packed:
        for name, text in TAXDUMP.items():
            (path / name).write_text(text)
        return list(ncbi_taxonomy.read_folder(path))
    with tarfile.open(path / "taxdump.tar.gz", "w:gz") as archive:
        for name in ("delnodes.dmp", "division.dmp", "merged.dmp", "names.dmp", "nodes.dmp"):
            member = tarfile.TarInfo(name)
            data = TAXDUMP[name].encode()
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return list(ncbi_taxonomy.read_archive(path / "taxdump.tar.gz"))


@pytest.mark.parametrize("packed", [False, True])
def test_taxa_of_a_folder_and_of_the_archive(tmp_path, packed):
    items = read_dump(tmp_path, packed)
    assert list(terms(items).values()) == [
        Term(Concept("1", ("root", "all"), semantic_types=("no rank",))),
        Term(Concept("2", ("Bacteria", "bacteria"), semantic_types=("superkingdom",), parents=("1",))),
        Term(Concept("90", ("Viridis febris", "green fever bug"), semantic_types=("species",), parents=("2",))),
    ]
    assert retired(items) == {"80": ("90",), "81": ()}
    assert rejections(items) == [
        (4, "taxon 91 has no name in names.dmp"),
        (8, "a name of taxon 95, which nodes.dmp lacks"),
    ]


def test_another_archive_and_a_cut_one_are_told(tmp_path):
    read_dump(tmp_path, packed=True)
    path = tmp_path / "taxdump.tar.gz"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ValueError, match="not a whole tar archive"):
        list(ncbi_taxonomy.read_archive(path))
    with tarfile.open(path, "w:gz"):
        pass
    with pytest.raises(ValueError, match="holds no names.dmp; expected NCBI's taxdump.tar.gz"):
        list(ncbi_taxonomy.read_archive(path))
