"""The text with its mentions marked, as HTML; everything from a visitor or a file is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from angel_hf.results import Annotated

HIGH, MEDIUM = 0.8, 0.5
"""Confidence from which on a mention counts as sure, and as likely."""

LEGEND = (
    '<ul class="angel-legend" aria-label="What the marks mean">'
    '<li><span class="angel-key angel-high">solid line</span> sure, 80% and more</li>'
    '<li><span class="angel-key angel-medium">dashed line</span> likely, 50 to 80%</li>'
    '<li><span class="angel-key angel-low">dotted line</span> doubtful</li>'
    '<li><span class="angel-key angel-nil">struck box</span> no answer (NIL)</li></ul>'
)

_SELECTION_BAR = (
    '<div class="angel-selection"><button type="button" class="angel-link-selection" disabled>'
    'Link selected words</button><span class="angel-selected" aria-live="polite">'
    "Select any words above to link them yourself.</span></div>"
)
EMPTY = (
    '<p class="angel-empty">The marked text appears here. Click a mention, or reach it with Tab and press Enter.</p>'
)


def marked_html(text: str, annotated: Sequence[Annotated], chosen: int | None = None) -> str:
    """The text with a button-like mark for every mention.

    Args:
        text: the whole text.
        annotated: in the text's order, without overlaps; parts of a composite mention share one mark.
        chosen: position among `annotated` of the mention whose details are shown.
    """
    pieces, place = [], 0
    for positions in _marks(annotated):
        first = annotated[positions[0]]
        pieces.append(escape(text[place : first.mention.start]))
        pieces.append(_mark(annotated, positions, chosen in positions))
        place = first.mention.end
    pieces.append(escape(text[place:]))
    count = len(list(_marks(annotated)))
    found = f"{count} mention{'' if count == 1 else 's'}" if count else "No mention found"
    return (
        f'<p class="angel-count" role="status">{found}</p>'
        f'<div class="angel-text" lang="en" aria-label="Text with mentions marked">{"".join(pieces)}</div>'
        f"{LEGEND}{_SELECTION_BAR}"
    )


def level(annotated: Annotated) -> str:
    """How sure an answer is: nil, unknown, low, medium or high."""
    if annotated.is_nil:
        return "nil"
    if annotated.confidence is None:
        return "unknown"
    return "high" if annotated.confidence >= HIGH else "medium" if annotated.confidence >= MEDIUM else "low"


def percent(value: float) -> str:
    """A probability in whole percent; only certainty is shown as 0% or 100%."""
    return f"{min(99, max(1, round(100 * value)))}%" if 0 < value < 1 else f"{100 * value:.0f}%"


def _marks(annotated: Sequence[Annotated]) -> Iterator[list[int]]:
    """Positions of the annotations that share a span."""
    group: list[int] = []
    for position, one in enumerate(annotated):
        if group and one.mention.start != annotated[group[0]].mention.start:
            yield group
            group = []
        group.append(position)
    if group:
        yield group


def _mark(annotated: Sequence[Annotated], positions: Sequence[int], is_chosen: bool) -> str:
    parts = [annotated[position] for position in positions]
    # Of several parts the least sure one gives the colour.
    weakest = min(parts, key=lambda one: (not one.is_nil, one.confidence if one.confidence is not None else 1.0))
    note = "NIL" if weakest.is_nil else "" if weakest.confidence is None else percent(weakest.confidence)
    names = " and ".join(one.best.name if one.best and not one.is_nil else "no answer" for one in parts)
    label = f"{weakest.mention.surface}: {names}" + (f", {note}" if note else "")
    return (
        f'<mark class="angel-mention angel-{level(weakest)}" role="button" tabindex="0" data-mention="{positions[0]}" '
        f'data-note="{note}" aria-pressed="{"true" if is_chosen else "false"}" aria-label="{escape(label)}" '
        f'title="{escape(names)}">{escape(weakest.mention.surface)}</mark>'
    )
