"""The details of one mention, as HTML; everything from a visitor or a file is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from angel_hf import Candidate, Concept, KnowledgeBase
from angel_hf.ranking.confidence import concept_shares
from angel_hf.results import Annotated
from demo.concepts import concept_page, hierarchy_path
from demo.explanation import TokenTrace, explain
from demo.marking import level, percent
from demo.workbench import Visit

EMPTY = '<div class="angel-card angel-empty">Choose a mention to see what it was linked to, and why.</div>'
_NAMES_SHOWN = 8
_OTHERS_BESIDE = 3  # identifiers beside an answer; all are further down
_CANDIDATES_SHOWN = 5
_WORDS = {
    "high": "sure",
    "medium": "likely",
    "low": "doubtful",
    "nil": "no answer (NIL)",
    "unknown": "this model has no fitted confidence",
}
_REASONS = {
    "context": "what the model reads in the text",
    "alone": "what the model reads in the mention alone",
    "similarity": "its likeness to the mention",
    "memory": "annotated mentions that the model remembers",
    "exact": "its spelling, which is the mention's and no other concept's",
}


def details_html(visit: Visit, parts: Sequence[Annotated]) -> str:
    """The details of a mention: of each part, if it is a composite one."""
    return "".join(_part_html(visit, part) for part in parts)


def _part_html(visit: Visit, annotated: Annotated) -> str:
    knowledge_base = visit.linker.knowledge_base
    assert knowledge_base is not None, "a visit has a knowledge base"
    sections = [_head(annotated, visit)]
    if annotated.best is not None:
        sections += [_candidates(annotated), _trace(explain(visit.linker, annotated.mention_read), annotated.best)]
        sections += [_concept(knowledge_base, concept_id) for concept_id in annotated.best.concept_ids[:3]]
    return f'<section class="angel-card">{"".join(sections)}</section>'


def _head(annotated: Annotated, visit: Visit) -> str:
    surface = escape(annotated.mention.surface)
    read_as = ""
    if annotated.read_as != annotated.mention.surface:
        read_as = f'<p class="angel-read">read as <b>{escape(annotated.read_as)}</b></p>'
    best = annotated.best
    if best is None:
        return f"<h3>{surface}</h3>{read_as}<p>No name of the knowledge base was found.</p>"
    others = visit.linker.knowledge_base.mapped_ids(best.concept_ids) if visit.linker.knowledge_base else ()
    beside = f" <small>= {_ids(others[:_OTHERS_BESIDE])}</small>" if others else ""
    chosen = f'<p class="angel-answer"><b>{escape(best.name)}</b> {_ids(best.concept_ids)}{beside}</p>'
    if annotated.is_nil:
        chosen = f'<p class="angel-answer">NIL: too unsure to answer; the nearest is {escape(best.name)}.</p>'
    return f"<h3>{surface}</h3>{read_as}{chosen}{_meter(annotated)}{_caution(visit)}"


def _meter(annotated: Annotated) -> str:
    kind = level(annotated)
    if annotated.confidence is None:
        return f'<p class="angel-note">{_WORDS[kind]}</p>'
    shown = percent(annotated.confidence)
    return (
        f'<div class="angel-meter angel-{kind}" role="img" aria-label="Confidence {shown}, {_WORDS[kind]}">'
        f'<span class="angel-bar"><i style="width:{100 * annotated.confidence:.0f}%"></i></span>'
        f"<span>{shown}, {_WORDS[kind]}</span></div>"
    )


def _caution(visit: Visit) -> str:
    if visit.is_calibrated or visit.linker.confidence is None:
        return ""
    return (
        '<p class="angel-note">The confidence was fitted for the model\'s own names; take it as a hint for yours.</p>'
    )


def _candidates(annotated: Annotated) -> str:
    rows = []
    shares = concept_shares(annotated.candidates)
    for rank, (candidate, share) in enumerate(zip(annotated.candidates, shares), start=1):
        rows.append(
            f"<tr><td>{rank}</td><td><span>{escape(candidate.name)}</span> {_ids(candidate.concept_ids)}</td>"
            f'<td class="angel-number"><span class="angel-bar"><i style="width:{100 * share:.0f}%"></i></span>'
            f"{percent(share)}</td></tr>"
        )
    first = (
        '<table><thead><tr><th scope="col">#</th><th scope="col">Concept</th>'
        '<th scope="col" class="angel-number">Share</th></tr></thead>'
        f"<tbody>{''.join(rows[:_CANDIDATES_SHOWN])}</tbody></table>"
    )
    rest = rows[_CANDIDATES_SHOWN:]
    more = f"<details><summary>{len(rest)} more</summary><table><tbody>{''.join(rest)}</tbody></table></details>"
    return (
        '<h4>Candidates</h4><p class="angel-note">How the model divides its belief among the best names that it found, '
        f"one for each concept.{_reason(annotated)}</p>{first}{more if rest else ''}"
    )


def _reason(annotated: Annotated) -> str:
    """What put the first candidate there, of a model with ranking stages."""
    because = annotated.candidates[0].because
    return f" The first is there by {_REASONS[because]}." if because else ""


def _trace(traces: Sequence[TokenTrace], best: Candidate) -> str:
    rows = []
    is_chosen = not traces or not set(traces[0].concept_ids).isdisjoint(best.concept_ids)
    for title, trace in zip(("Chosen", "Runner-up") if is_chosen else ("Best of the search", "Next"), traces):
        tokens = "".join(
            f'<span class="angel-token" style="--likely:{max(0.0, 1 + token.logprob / 6):.2f}">'
            f"<code>{escape(token.text) or 'end'}</code><small>{token.logprob:.2f}</small></span>"
            for token in trace.tokens
        )
        rows.append(
            f'<div class="angel-trace"><p>{title}: <b>{escape(trace.name)}</b> <small>mean {trace.mean:.2f}</small></p>'
            f'<div class="angel-tokens">{tokens}</div></div>'
        )
    return (
        "<details open><summary>Token by token</summary>"
        '<p class="angel-note">Log-probability of each token after those before it; 0 is certain.</p>'
        f"{''.join(rows)}</details>"
    )


def _concept(knowledge_base: KnowledgeBase, concept_id: str) -> str:
    concept = knowledge_base.concept(concept_id)
    path = hierarchy_path(knowledge_base, concept_id)
    steps = "".join(f"<li>{escape(name)} {_ids((step,))}</li>" for step, name in path)
    hierarchy = (
        f'<ol class="angel-path">{steps}</ol>' if len(path) > 1 else "<p>The knowledge base gives no parents.</p>"
    )
    types = f"<p>Type: {escape(', '.join(concept.semantic_types))}</p>" if concept.semantic_types else ""
    others = knowledge_base.equivalents(concept_id)
    shown = f"<details open><summary>Other identifiers</summary><p>{_ids(others)}</p></details>" if others else ""
    names = f"{len(concept.names)} name{'' if len(concept.names) == 1 else 's'} of {escape(concept_id)}"
    return (
        f"<details open><summary>{names}</summary>{_names(concept)}</details>{shown}"
        f"<details open><summary>Place in the hierarchy</summary>{types}{hierarchy}</details>"
    )


def _names(concept: Concept) -> str:
    # Catalogues repeat names in capitals; these come last.
    shown = [f"<li>{escape(name)}</li>" for name in sorted(concept.names, key=_is_shouted)]
    first = f'<ul class="angel-names">{"".join(shown[:_NAMES_SHOWN])}</ul>'
    rest = shown[_NAMES_SHOWN:]
    more = f'<details><summary>{len(rest)} more</summary><ul class="angel-names">{"".join(rest)}</ul></details>'
    return first + (more if rest else "")


def _is_shouted(name: str) -> bool:
    return name.isupper() and len(name.split()) > 1


def _ids(concept_ids: Sequence[str]) -> str:
    return " ".join(_id(concept_id) for concept_id in concept_ids)


def _id(concept_id: str) -> str:
    page = concept_page(concept_id)
    shown = escape(concept_id)
    if page is None:
        return f'<code class="angel-id">{shown}</code>'
    return f'<a class="angel-id" href="{escape(page)}" target="_blank" rel="noopener noreferrer">{shown}</a>'
