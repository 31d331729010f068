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
        "Abstract",
        "Wilson disease (WD) is an autosomal recessive disorder of copper transport that leads to hepatic cirrhosis "
        "and dystonia. We followed 42 patients with WD for ten years. Eighteen had liver failure, eleven had tremor or "
        "dysarthria, and three had hemolytic anemia; one developed hepatocellular carcinoma (HCC). No HCC was seen in "
        "those who were treated early. Two siblings had been thought to have autoimmune hepatitis, a third one fatty "
        "liver. Renal tubular acidosis was found in four patients, and depression was as frequent as in Huntington "
        "disease (HD). Breast and ovarian cancer were not more frequent than expected.",
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
