"""The same mentions linked by two models, side by side: what another training changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from angel_hf.annotation import Annotated, Annotator
from angel_hf.confidence import concept_shares, merge_candidates
from demo.marking import percent
from demo.workbench import Visit, annotate

EMPTY = '<p class="angel-empty">The answers of both models appear here, side by side.</p>'


@dataclass(frozen=True, slots=True)
class Difference:
    """One mention as two models answer it."""

    left: Annotated
    right: Annotated

    @property
    def is_changed(self) -> bool:
        """Whether the first candidates are of different concepts."""
        first, second = self.left.best, self.right.best
        if first is None or second is None:
            return first is not second
        return set(first.concept_ids).isdisjoint(second.concept_ids)


def compare(left: Visit, right: Visit, text: str) -> list[Difference]:
    """Every mention that the left model's names detect, linked by both."""
    by_left = annotate(left, text)
    mentions = [one.mention_read for one in by_left]
    # What is linked is written out by the left model, so that both read the same.
    by_right = Annotator(right.linker, expand=False, split=False).annotate_mentions(mentions)
    return [Difference(one, other) for one, (other,) in zip(by_left, by_right)]


def comparison_html(left: Visit, right: Visit, differences: Sequence[Difference]) -> str:
    """A table of both models' answers, changed ones first and told in words."""
    if not differences:
        return '<p class="angel-empty">No mention was found in this text.</p>'
    changed = sum(difference.is_changed for difference in differences)
    rows = "".join(
        f'<tr class="{"angel-changed" if one.is_changed else ""}"><th scope="row">{escape(one.left.mention.surface)}'
        f"<small>{'changed' if one.is_changed else 'same'}</small></th>"
        f"<td>{_answer(one.left)}</td><td>{_answer(one.right)}</td></tr>"
        for one in sorted(differences, key=lambda one: not one.is_changed)
    )
    return (
        f'<p role="status">{changed} of {len(differences)} answers differ.</p><div class="angel-scroll">'
        f'<table class="angel-compare"><thead><tr><th>Mention</th><th>{escape(left.model_name)}</th>'
        f"<th>{escape(right.model_name)}</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _answer(annotated: Annotated) -> str:
    merged = merge_candidates(annotated.candidates)[:3]
    shares = concept_shares(annotated.candidates)
    return "".join(
        f"<p>{rank}. {escape(candidate.name)} <code>{escape('|'.join(candidate.concept_ids))}</code> "
        f"<small>probability {math.exp(candidate.score):.3f}, share {percent(share)}</small></p>"
        for rank, (candidate, share) in enumerate(zip(merged, shares), start=1)
    )
