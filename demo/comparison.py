"""The same mentions linked by two models, side by side: the effect of another training."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from html import escape

from angel_hf.annotation.annotator import Annotator
from angel_hf.ranking.confidence import concept_shares
from angel_hf.results import Annotated
from angel_hf.types import Mention
from demo.gold import gold_texts
from demo.marking import percent
from demo.workbench import Visit, annotate

EMPTY = '<p class="angel-empty">The answers of both models appear here, side by side.</p>'
_SHOWN_CHANGED, _SHOWN_SAME = 3, 2
_A_POINT = 0.01


@dataclass(frozen=True, slots=True)
class Difference:
    """One mention as two models answer it.

    Args:
        left, right: answers of the first and of the second model.
        gold: the right concepts, or None where unknown.
    """

    left: Annotated
    right: Annotated
    gold: frozenset[str] | None = None

    @property
    def is_changed(self) -> bool:
        """Whether the first candidates are of different concepts."""
        first, second = self.left.best, self.right.best
        if first is None or second is None:
            return first is not second
        return set(first.concept_ids).isdisjoint(second.concept_ids)

    @property
    def gain(self) -> float:
        """How much the share of the second model's answer differs between the models, in its favour."""
        return _share(self.right, self.right) - _share(self.left, self.right)

    def is_right(self, answer: Annotated) -> bool | None:
        """Whether one of the two is right; None where unknown."""
        if self.gold is None:
            return None
        return answer.best is not None and not self.gold.isdisjoint(answer.best.concept_ids)

    @property
    def words(self) -> str:
        """What changed, in words."""
        before, after = self.is_right(self.left), self.is_right(self.right)
        if before != after:
            return "mended" if after else "spoiled"
        if self.is_changed:
            return "other answer"
        if abs(self.gain) < _A_POINT:
            return "as before"
        return f"{'surer' if self.gain > 0 else 'less sure'}, {100 * self.gain:+.0f} points"


def compare(left: Visit, right: Visit, text: str) -> list[Difference]:
    """Every mention of a text, linked by both models.

    The mentions are those that the left model's names detect; of a text whose right answers are known, the annotated
    ones. Both models read the same: what the left model links is written out by its names. Both answer by the search
    alone, as their trainings differ, and not what comes after it.
    """
    left, right = _search_alone(left), _search_alone(right)
    known = gold_texts().get(text)
    if known is None or left.knowledge_base is not None:
        by_left, gold = annotate(left, text), None
    else:
        parts = Annotator(left.linker).annotate_mentions([one.mention for one in known])
        by_left = [part for of_mention in parts for part in of_mention]
        names = left.linker.knowledge_base
        assert names is not None, "a visit has a knowledge base"
        gold = [one.resolved(names) for one, of_mention in zip(known, parts) for _ in of_mention]
    mentions: list[Mention] = [one.mention_read for one in by_left]
    by_right = Annotator(right.linker, expand=False, split=False).annotate_mentions(mentions)
    return [
        Difference(one, other, None if gold is None else gold[place])
        for place, (one, (other,)) in enumerate(zip(by_left, by_right))
    ]


def _search_alone(visit: Visit) -> Visit:
    """The same visit, whose model has no ranking; the visit's own model stays as it is."""
    linker = copy(visit.linker)
    linker.ranking = None
    return replace(visit, linker=linker)


def comparison_html(left: Visit, right: Visit, differences: Sequence[Difference]) -> str:
    """A summary, and a table of both models' answers, changed ones first, described in words."""
    if not differences:
        return '<p class="angel-empty">No mention was found in this text.</p>'
    names = escape(left.shown_name), escape(right.shown_name)
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Mention", *names, "Change"))
    ordered = sorted(differences, key=lambda one: (not one.is_changed, -abs(one.gain)))
    rows = "".join(_row(one, *names) for one in ordered)
    signs = "" if differences[0].gold is None else " ✓ is right, ✗ wrong."
    return (
        f'<p class="angel-summary" role="status">{_summary(differences)}</p><div class="angel-scroll">'
        f'<table class="angel-compare"><thead><tr>{heads}</tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="angel-note">A share shows how a model divides its belief among '
        f"the best names of the concepts that it found.{signs}</p>"
    )


def _summary(differences: Sequence[Difference]) -> str:
    changed = [one for one in differences if one.is_changed]
    unchanged = [one for one in differences if not one.is_changed]
    surer = sum(one.gain >= _A_POINT for one in unchanged)
    less = sum(one.gain <= -_A_POINT for one in unchanged)
    summary = f"<b>{len(changed)} of {len(differences)} answers differ.</b>"
    if unchanged:
        summary += f" Of the other {len(unchanged)}, {surer} became surer and {less} less sure."
    if differences[0].gold is not None:
        before, after = (
            sum(bool(one.is_right(answer)) for one, answer in pairs)
            for pairs in ([(one, one.left) for one in differences], [(one, one.right) for one in differences])
        )
        summary += f" The right answers are known here: the first model has {before}, the second {after}."
    return summary


def _row(one: Difference, left: str, right: str) -> str:
    # On a phone the cells stand below each other, each under its model's name.
    read_as = ""
    if one.left.read_as != one.left.mention.surface:
        read_as = f"<small>read as {escape(one.left.read_as)}</small>"
    return (
        f'<tr class="{"angel-changed" if one.is_changed else ""}"><th scope="row">{escape(one.left.mention.surface)}'
        f'{read_as}</th><td data-head="{left}">{_answer(one, one.left)}</td>'
        f'<td data-head="{right}">{_answer(one, one.right)}</td><td>{escape(one.words)}</td></tr>'
    )


def _answer(one: Difference, annotated: Annotated) -> str:
    is_right = one.is_right(annotated)
    verdict = ""
    if is_right is not None:
        verdict = f'<span class="angel-verdict" role="img" aria-label="{"right" if is_right else "wrong"}:">'
        verdict += f"{'✓' if is_right else '✗'}</span> "
    lines = []
    shown = _SHOWN_CHANGED if one.is_changed else _SHOWN_SAME
    shares = concept_shares(annotated.candidates)
    for rank, (candidate, share) in enumerate(list(zip(annotated.candidates, shares))[:shown]):
        ids = f'<code class="angel-id">{escape(" ".join(candidate.concept_ids))}</code>'
        name = f"{'' if rank else verdict}{escape(candidate.name)} {ids}"
        lines.append(
            f'<p class="{"angel-next" if rank else "angel-first"}"><span>{name}</span> '
            f'<span class="angel-share">{percent(share)}</span></p>'
        )
    return "".join(lines) or f"{verdict}no answer"


def _share(of: Annotated, answer: Annotated) -> float:
    """The share that `of` gives to the first concept of `answer`."""
    if answer.best is None:
        return 0.0
    answered = set(answer.best.concept_ids)
    return sum(
        share
        for candidate, share in zip(of.candidates, concept_shares(of.candidates))
        if not answered.isdisjoint(candidate.concept_ids)
    )
