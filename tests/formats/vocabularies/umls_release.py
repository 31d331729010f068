"""A made-up release of UMLS, in the layout of the reference manual."""

import gzip
from pathlib import Path

CONCEPTS = """\
C9000001|ENG|P|L1|PF|S1|Y|A1||M1|D900001|MSH|MH|D900001|Green Fever|0|N|256|
C9000001|ENG|P|L1|VO|S2|Y|A2|||D900001|MSH|PM|D900001|Fever, Green|0|N||
C9000001|ENG|S|L2|PF|S3|Y|A3|123|456||SNOMEDCT_US|PT|456|Verdant fever (disorder)|9|N||
C9000001|ENG|S|L3|PF|S4|Y|A4||||MTH|PN|NOCODE|Green Fever of Mars|0|N||
C9000001|ENG|S|L4|PF|S5|Y|A5|||D900001|MSH|DEV|D900001|grn fvr|0|E||
C9000001|GER|P|L5|PF|S6|Y|A6|||D900001|MSHGER|MH|D900001|Grünfieber|3|N||
C9000002|ENG|P|L6|PF|S7|Y|A7|||D900002|MSH|MH|D900002|Coloured Fevers|0|N||
C9000003|ENG|P|L7|PF|S8|Y|A8||||HGNC|PT|HGNC:5|GRN1 gene|0|N||
C9000004|GER|P|L8|PF|S9|Y|A9|||D900004|MSHGER|MH|D900004|Nur deutsch|3|N||
"""
FILES = {
    "MRCONSO.RRF": CONCEPTS,
    "MRSTY.RRF": """\
C9000001|T047|B2.2.1.2.1|Disease or Syndrome|AT1||
C9000001|T184|A2.2.2|Sign or Symptom|AT2||
C9000002|T047|B2.2.1.2.1|Disease or Syndrome|AT3||
C9000003|T028|A1.2.3.5|Gene or Genome|AT4||
C9000004|T047|B2.2.1.2.1|Disease or Syndrome|AT5||
""",
    "MRDEF.RRF": """\
C9000001|A6|AT6||MSHGER|Ein Fieber.|N||
C9000001|A1|AT7||MSH|A withdrawn definition.|O||
C9000001|A1|AT8||MSH|A fever of green colour.|N||
""",
    "MRREL.RRF": """\
C9000001|A1|AUI|PAR|C9000002|A7|AUI||R1||MSH|MSH|||N||
C9000001|A3|CUI|PAR|C9000009|A8|CUI|inverse_isa|R2||SNOMEDCT_US|SNOMEDCT_US|||N||
C9000001|A3|CUI|RO|C9000008|A8|CUI|finding_site_of|R3||SNOMEDCT_US|SNOMEDCT_US|||N||
C9000001|A1|AUI|PAR|C9000007|A7|AUI||R4||MSH|MSH|||O||
C9000002|A7|AUI|CHD|C9000001|A1|AUI|isa|R5||MSH|MSH|||N||
C9000003|A8|AUI|PAR|C9000009|A9|AUI||R6||HGNC|HGNC|||N||
""",
    "MRCUI.RRF": """\
C9100001|2020AA|SY|||C9000001|Y|
C9100002|2019AB|RB|||C9000002|Y|
C9100002|2019AB|RO|||C9000003|N|
C9100003|2018AA|DEL|||||
""",
    "MRRANK.RRF": """\
0400|MTH|PN|N|
0300|MSH|MH|N|
0200|SNOMEDCT_US|PT|N|
0100|MSH|PM|N|
""",
}


def write_release(folder: Path, names: tuple[str, ...] = tuple(FILES), packed: bool = False) -> Path:
    """Some files of the release, gzipped or not."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        data = FILES[name].encode()
        (folder / f"{name}.gz").write_bytes(gzip.compress(data)) if packed else (folder / name).write_bytes(data)
    return folder
