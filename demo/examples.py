"""Texts to start from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """A text, and what it shows."""

    label: str
    text: str


EXAMPLES = (
    Example(
        "Abbreviations",
        "Wilson disease (WD) is an autosomal recessive disorder of copper transport. We followed 42 patients "
        "with WD for ten years. Hepatic cirrhosis was found in 18 and dystonia in 11; three WD patients also "
        "had hemolytic anemia, and one developed hepatocellular carcinoma (HCC). No HCC was seen in those "
        "treated early.",
    ),
    Example(
        "Composite mentions",
        "Germline mutations of BRCA1 predispose to breast and ovarian cancer. In 60 families with hereditary "
        "breast and/or ovarian cancer we also recorded prostate, pancreatic and colon cancer. Cleft lip and "
        "palate were not more frequent than expected, nor were Duchenne or Becker muscular dystrophy.",
    ),
    Example(
        "Near misses",
        "Ataxia-telangiectasia (A-T) differs from ataxia-oculomotor apraxia and from Friedreich ataxia. Type "
        "2 diabetes mellitus was excluded, type 1 was not. Two brothers with glucose-6-phosphate "
        "dehydrogenase (G6PD) deficiency had chronic nonspherocytic hemolytic anaemia; their mother had had "
        "tumours of the colon.",
    ),
    Example(
        "Clinic note",
        "68-year-old man, known HTN and T2DM, presents with crushing chest pain. ECG: inferior STEMI. Past "
        "history of stroke, atrial fibrillation and chronic kidney disease. Denies fever or pneumonia; mother "
        "had Alzheimer's disease.",
    ),
)
