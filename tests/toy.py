"""A small world that can be checked by hand: concepts, tokenizers whose ids are listed here, random models."""

from angel_hf import Concept

CONCEPTS = [
    Concept("D001260", ("Ataxia Telangiectasia", "Louis-Bar", "A-T"), ("OMIM:208900",), ("T047",), ("D001259",)),
    Concept("D001259", ("Ataxia", "Incoordination"), ("OMIM:1", "OMIM:2"), ("T184", "T047")),
    Concept("X1", ("louis bar", "A-T", "Maladie de Louis–Bar")),
]
