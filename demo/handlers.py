"""From events of the page to the workbench and back; the only place that knows both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec, TypeAlias, TypeVar

import gradio as gr

from angel_hf.results import Annotated
from demo import batch, comparison, details
from demo.counterpart import about_counterpart, positive_counterpart
from demo.limits import VisitorError, checked_text
from demo.marking import marked_html
from demo.ownership import Ownership
from demo.uploads import read_knowledge_base
from demo.workbench import DEFAULT_MODEL, Visit, Workbench, annotate, annotate_span, as_row, with_span

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

Settings: TypeAlias = tuple[Visit, str, gr.Dropdown, str, str, str]
"""Outputs that settings change: visit, status, precisions, both models to compare, and their description."""


@dataclass(frozen=True)
class Page:
    """The annotation of the text box: the state that clicks refer to."""

    visit: Visit
    text: str
    annotated: list[Annotated]
    precision: float | None

    def parts(self, position: int) -> list[Annotated]:
        """The annotation at a position and those that share its span."""
        start = self.annotated[position].mention.start
        return [one for one in self.annotated if one.mention.start == start]


def shows_errors(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Show a visitor's error as a message on the page; its text is escaped, since messages may hold HTML."""

    @wraps(function)
    def wrapped(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        with _errors_shown():
            return function(*args, **kwargs)

    return wrapped


@contextmanager
def _errors_shown() -> Iterator[None]:
    try:
        yield
    except VisitorError as error:
        raise gr.Error(escape(str(error), quote=False), title="That did not work", print_exception=False) from None


class Handlers:
    """The callbacks of one running page."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self.ownership = Ownership()

    @shows_errors
    def take(self, file: str | None, request: gr.Request) -> None:
        """Note whose an upload is, as soon as it is there."""
        if file:
            self.ownership.claim(file, request.session_hash)

    def leave(self, request: gr.Request) -> None:
        """Delete a visitor's uploads when they close the page."""
        self.ownership.leave(request.session_hash)

    def visit(self, visit: Visit | None) -> Visit:
        """A visitor's own choices, or the default."""
        return visit or self.workbench.visit()

    def status(self, visit: Visit | None) -> str:
        """Model and knowledge base of the visit, in words."""
        visit = self.visit(visit)
        names = visit.linker.knowledge_base
        assert names is not None, "a visit has a knowledge base"
        whose = "its own" if visit.knowledge_base is None else "your"
        return (
            f'<p class="angel-status" role="status">Model <b>{escape(visit.shown_name)}</b>, linking to {whose} '
            f"<b>{names.num_concepts:,}</b> concepts with <b>{names.num_names:,}</b> names.</p>"
        )

    @shows_errors
    def use(self, model_name: str, file: str | None, request: gr.Request) -> Settings:
        """Take the model of the model box and the uploaded knowledge base, if there is one."""
        with self.ownership.alone(request.session_hash):
            own = read_knowledge_base(self.ownership.claim(file, request.session_hash)) if file else None
            return self._settings(self.workbench.visit(model_name, own))

    def reset(self) -> tuple[Any, ...]:
        """Take the page's own model and knowledge base again: `use`, the emptied upload, and the model box."""
        _, *rest = self._settings(self.workbench.visit())
        return None, *rest, None, self.workbench.default

    def _settings(self, visit: Visit) -> Settings:
        left = positive_counterpart(visit.model_name) or ""
        precision = gr.Dropdown(precision_choices(visit), value=0.0)
        return visit, self.status(visit), precision, left, visit.model_name, about_counterpart(visit.model_name)

    @shows_errors
    def mark(self, text: str, precision: float | None, visit: Visit | None) -> tuple[Page, str, str]:
        """Annotate the text box and show the details of the first mention."""
        visit = self.visit(visit)
        return self._render(Page(visit, text, annotate(visit, text, precision or None), precision or None), 0)

    @shows_errors
    def mark_again(self, page: Page | None, precision: float | None, visit: Visit | None) -> tuple[Any, Any, Any]:
        """Annotate the marked text once more, with other settings; nothing where there is none yet."""
        if page is None:
            return gr.skip(), gr.skip(), gr.skip()
        return self.mark(page.text, precision, visit)

    @shows_errors
    def choose(self, page: Page | None, event: gr.EventData) -> str:
        """The details of the mention that was clicked."""
        position = event._data.get("index")
        if page is None or not isinstance(position, int) or not 0 <= position < len(page.annotated):
            raise VisitorError("This mention belongs to another text: annotate again.")
        return details.details_html(page.visit, page.parts(position))

    @shows_errors
    def link_selection(self, page: Page | None, event: gr.EventData) -> tuple[Page, str, str]:
        """Link the words that were selected."""
        start, end = event._data.get("start"), event._data.get("end")
        if page is None or not isinstance(start, int) or not isinstance(end, int):
            raise VisitorError("Select words of the marked text first.")
        chosen = annotate_span(page.visit, page.text, start, end, page.precision)
        annotated = with_span(page.annotated, chosen)
        return self._render(Page(page.visit, page.text, annotated, page.precision), annotated.index(chosen[0]))

    def run_batch(
        self,
        file: str | None,
        precision: float | None,
        visit: Visit | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # gradio finds it by its default
    ) -> Iterator[tuple[list[list[Any]], str, str, str]]:
        """Annotate an uploaded file: the first rows, Parquet, CSV, and the counts.

        Gradio copies the files before it asks for a second result, which there is none of; then their folder goes.
        """
        with _errors_shown(), self.ownership.alone(request.session_hash), TemporaryDirectory() as name:
            upload = batch.read_documents(file and self.ownership.claim(file, request.session_hash))
            rows = batch.annotate_documents(
                self.visit(visit), upload.documents, precision or None, lambda part, text: progress(part, desc=text)
            )
            folder = Path(name)
            parquet = batch.write_parquet(rows, folder / "annotations.parquet")
            table = batch.write_csv(rows, folder / "annotations.csv")
            shown = [batch.shown_row(row) for row in rows[:MOST_SHOWN]]
            counted = f"{len(rows):,} mentions in {len(upload.documents):,} documents"
            done = f"{counted}; the table shows the first {len(shown)}.{upload.told}"
            yield shown, str(parquet), str(table), done

    @shows_errors
    def compare(self, text: str, left_name: str, right_name: str, visit: Visit | None) -> str:
        """Both models' answers, side by side; of a visitor's own knowledge base, if there is one."""
        checked_text(text)
        for which, name in (("first", left_name), ("second", right_name)):
            if not name.strip():
                raise VisitorError(
                    f"Name the {which} model: {DEFAULT_MODEL}, or OWNER/NAME of a repository of the Hub."
                )
        names = visit.knowledge_base if visit else None
        left, right = self.workbench.visit(left_name, names), self.workbench.visit(right_name, names)
        return comparison.comparison_html(left, right, comparison.compare(left, right, text))

    @shows_errors
    def answer(self, text: str, precision: float = 0.0) -> list[dict[str, Any]]:
        """The API: every mention of a text with its candidates, as in the batch files.

        Args:
            text: the text to annotate.
            precision: one of the precisions stored with the model, below which the answer is NIL; 0 answers all.
        """
        visit = self.visit(None)
        return [as_row(visit, one) for one in annotate(visit, text, precision or None)]

    def from_address(self, request: gr.Request) -> tuple[Any, Any, Any, Any]:
        """The text of a shared link, and its annotation; nothing changes without one."""
        text = request.query_params.get("text", "") if request else ""
        try:
            return text, *self.mark(checked_text(text), None, None)
        except VisitorError:
            # By now the visitor may have written something already.
            return gr.skip(), gr.skip(), gr.skip(), gr.skip()

    def _render(self, page: Page, position: int) -> tuple[Page, str, str]:
        if not page.annotated:
            return page, marked_html(page.text, []), details.EMPTY
        marked = marked_html(page.text, page.annotated, position)
        return page, marked, details.details_html(page.visit, page.parts(position))


MOST_SHOWN = 50
"""Rows of a batch that the page shows; the files hold all."""


def precision_choices(visit: Visit) -> list[tuple[str, float]]:
    """The choices of a visitor: to answer all, or at a precision that the model has a threshold for."""
    confidence = visit.linker.confidence
    stored = confidence.thresholds if confidence is not None and visit.is_calibrated else ()
    return [
        ("Answer every mention", 0.0),
        *((f"Keep {one.precision:.0%} of the answers right, the rest NIL", one.precision) for one in stored),
    ]
