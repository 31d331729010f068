"""A small whole file of every format; a new format needs a line here, or the fuzzers fail."""

from __future__ import annotations

import json

from angel_hf.formats.documents import DocumentFormat

_PUBTATOR = (
    "12|t|Gout and TNF-a.\n12|a|Wilson disease (WD).\n12\t0\t4\tGout\tDisease\tMESH:D006073\n"
    "12\tCID\tD006073\tD001\n\n13|t|A\n13|a|Ataxia\n13\t2\t8\tAtaxia\tDisease\tD001259\n"
)
_BIOC = """<?xml version="1.0"?><!DOCTYPE collection SYSTEM "BioC.dtd"><collection><source>s</source><date/><key/>
<document><id>12</id><passage><infon key="type">title</infon><offset>0</offset><text>Gout here.</text>
<annotation id="T1"><infon key="type">Disease</infon><infon key="MESH">D006073</infon>
<location offset="0" length="4"/><text>Gout</text></annotation></passage>
<passage><offset>11</offset><text>More &amp; more</text></passage></document>
<document><id>13</id><passage><offset>0</offset><text>Ataxia</text></passage></document></collection>"""
_PASSAGE = {
    "offset": 0,
    "infons": {"type": "title"},
    "text": "Gout here.",
    "annotations": [
        {"id": "1", "infons": {"type": "Disease"}, "text": "Gout", "locations": [{"offset": 0, "length": 4}]}
    ],
}
_DOCUMENT = {"id": "12", "passages": [_PASSAGE, {"offset": 11, "text": "More", "annotations": []}], "relations": []}
_PUBMED = """<?xml version="1.0"?><PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="1">12</PMID>
<Article><ArticleTitle>Gout in <i>mice</i></ArticleTitle><Abstract><AbstractText Label="AIM">One.</AbstractText>
<AbstractText>Two.</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"""
_JATS = """<article><front><article-meta><article-id pub-id-type="pmid">12</article-id><title-group><article-title>Gout
</article-title></title-group><abstract><p>An <italic>abstract</italic>.</p></abstract></article-meta></front>
<body><sec><title>One</title><p>Text of it.</p></sec></body></article>"""

DOCUMENTS = {
    DocumentFormat.JSONL: [
        '{"document_id": "1", "text": "Gout and ataxia", "spans": [[0, 4], [9, 15]]}\n'
        '{"id": 2, "text": "Ataxia \\u03b2 \\ud83e\\uddec", "mentions": [{"start": 0, "end": 6}], "year": 1.5}\n',
    ],
    DocumentFormat.PUBTATOR: [_PUBTATOR],
    DocumentFormat.BIOC: [
        _BIOC,
        json.dumps({"source": "s", "documents": [_DOCUMENT, _DOCUMENT | {"id": "13"}]}),
        json.dumps({"PubTator3": [_DOCUMENT]}),
        json.dumps([{"documents": [_DOCUMENT]}]),
        json.dumps(_DOCUMENT) + "\n" + json.dumps(_DOCUMENT | {"id": "13"}) + "\n",
    ],
    DocumentFormat.PUBMED: [_PUBMED],
    DocumentFormat.JATS: [_JATS],
    DocumentFormat.TABLE: ['id,text\n1,"Gout, and ""ataxia"""\n2,Ataxia\n', "pmid\ttitle\tabstract\n1\tGout\tAtaxia\n"],
    DocumentFormat.BRAT: ["Gout and ataxia.\nMore of it.\n"],
    DocumentFormat.MARKED: ["He has [[gout]] now.\nAnd [[ataxia]].\n"],
    DocumentFormat.TEXT: ["Gout and ataxia.\n"],
}
BRAT_ANNOTATIONS = (
    "T1\tDisease 0 4\tGout\nT2\tDisease 9 15\tataxia\nN1\tReference T1 MESH:D006073\tGout\n#1\tNote T1\tx\n"
)

_OBO = """format-version: 1.2
ontology: x

[Term]
id: X:1 ! one
name: Gout \\(acute\\)
def: "A \\"thing\\"." [PMID:1, X:2 "with text"]
synonym: "podagra" EXACT [] {source="a"}
exact_synonym: "gouty" []
xref: MESH:D006073 {source="b"}
is_a: X:0 ! thing

[Term]
id: X:2
name: old
is_obsolete: true ! yes
replaced_by: X:1

[Typedef]
id: part_of
"""
_GRAPHS = json.dumps(
    {
        "graphs": [
            {
                "id": "http://purl.obolibrary.org/obo/x.owl",
                "nodes": [
                    {
                        "id": "http://purl.obolibrary.org/obo/X_1",
                        "type": "CLASS",
                        "lbl": "Gout",
                        "meta": {
                            "definition": {"val": "A thing"},
                            "synonyms": [{"pred": "hasExactSynonym", "val": "podagra"}],
                            "xrefs": [{"val": "MESH:D006073"}],
                        },
                    },
                    {"id": "http://purl.obolibrary.org/obo/X_2", "lbl": "old", "meta": {"deprecated": True}},
                ],
                "edges": [{"sub": "http://purl.obolibrary.org/obo/X_1", "pred": "is_a", "obj": "X_0"}],
            }
        ]
    }
)
_OWL = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:owl="http://www.w3.org/2002/07/owl#"
 xmlns:oboInOwl="http://www.geneontology.org/formats/oboInOwl#">
<owl:Class rdf:about="http://purl.obolibrary.org/obo/X_1"><rdfs:label xml:lang="en">Gout</rdfs:label>
<oboInOwl:hasExactSynonym>podagra</oboInOwl:hasExactSynonym>
<rdfs:subClassOf rdf:resource="http://purl.obolibrary.org/obo/X_0"/></owl:Class></rdf:RDF>"""

ONTOLOGIES = {
    "OBO": _OBO,
    "OBO Graphs JSON": _GRAPHS,
    "OWL or SKOS in RDF/XML": _OWL,
    "OWL/XML": '<Ontology xmlns="http://www.w3.org/2002/07/owl#"/>',
    "OWL in functional or Manchester syntax": "Prefix(:=<http://x/>)\nOntology(<http://x>)\n",
    "Turtle": "@prefix : <http://x/> .\n:a a :b .\n",
    "JSON lines, a term each": '{"id": "X:1", "name": "Gout", "synonyms": ["podagra"]}\n'
    '{"id": "X:2", "name": "Ataxia", "synonyms": [], "is_a": ["X:1"], "alt_ids": ["X:3"]}\n',
    'a JSON object {concept_id: {"name", "synonyms"}}': '{"X:1": {"name": "Gout", "synonyms": ["podagra"]}}',
    "GenBioEL's target_kb.json {concept_id: [name, ...]}": '{"X:1": ["gout", "podagra"], "X:2": ["ataxia"]}',
    'a JSON list of terms {"id", "name", "synonyms"}': '[{"id": "X:1", "name": "Gout", "synonyms": ["podagra"]}]',
}
