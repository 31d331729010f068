"""The page: where each part stands, and which event calls which handler."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# Read by gradio at its import: no network call at start.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from gradio.components import Component
from starlette.middleware import Middleware

from demo import comparison, details, marking
from demo.batch import SHOWN_COLUMNS
from demo.counterpart import about_counterpart, positive_counterpart
from demo.examples import EXAMPLES
from demo.gold import gold_texts
from demo.handlers import Handlers, precision_choices
from demo.limits import MOST_CHARACTERS, MOST_DOCUMENTS, MOST_UPLOAD_BYTES, MOST_WAITING
from demo.ownership import UploadsStayPrivate
from demo.workbench import DEFAULT_MODEL, Workbench

_FOLDER = Path(__file__).parent
_INTRO = (
    '<header class="angel-header"><h1>ANGEL</h1><p>Biomedical entity linking that answers with a name of the '
    "knowledge base, spelled exactly as it is there, and says how sure it is.</p></header>"
)
_SHARE = """(text) => {
  const address = new URL(window.location.href.split("?")[0]);
  address.searchParams.set("text", text);
  if (navigator.clipboard) navigator.clipboard.writeText(address.href).catch(() => {});
  return address.href;
}"""


def build_page(workbench: Workbench) -> gr.Blocks:
    """The page over a workbench; give `launch_options(page)` to its launch."""
    handlers = Handlers(workbench)
    with gr.Blocks(
        title="ANGEL: biomedical entity linking", analytics_enabled=False, delete_cache=(3600, 3600)
    ) as page:
        visit = gr.State(None, time_to_live=3600)
        gr.HTML(_INTRO)
        status = gr.HTML(handlers.status(None))
        settings = _settings(handlers)
        with gr.Tab("Annotate"):
            marking_again = _annotate_tab(page, handlers, visit, settings.precision)
        with gr.Tab("Batch"):
            _batch_tab(handlers, visit, settings.precision)
        with gr.Tab("Compare models"):
            compared = _compare_tab(handlers, workbench.default, visit)
        with gr.Tab("Use it in code"):
            gr.Markdown((_FOLDER / "code.md").read_text(encoding="utf-8"))
        changed = [visit, status, settings.precision, *compared]
        used = settings.use.click(handlers.use, [settings.model, settings.upload], changed, api_visibility="private")
        restored = settings.reset.click(
            handlers.reset, None, [*changed, settings.upload, settings.model], api_visibility="private"
        )
        # The marked text is annotated again, so that nobody takes old answers for those of new settings.
        for event in (used.success, restored.success, settings.precision.input):
            event(handlers.mark_again, *marking_again, api_visibility="private", show_progress="hidden")
        gr.api(handlers.answer, api_name="annotate")
        settings.upload.upload(handlers.take, settings.upload, None, api_visibility="private", show_progress="hidden")
        page.unload(handlers.leave)
    page.ownership = handlers.ownership  # for `launch_options`
    page.queue(max_size=MOST_WAITING, default_concurrency_limit=2)
    return page


def launch_options(page: gr.Blocks) -> dict[str, object]:
    """Options of `launch` for this page: looks, quotas, privacy, no network calls."""
    # Fonts of the visitor's own system: nothing is fetched.
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    theme = gr.themes.Default(
        primary_hue="indigo", neutral_hue="slate", font=sans, font_mono=["ui-monospace", "Consolas", "monospace"]
    )
    return {
        "theme": theme,
        "css_paths": [_FOLDER / "style.css"],
        # Above our own limit, so that a file somewhat too large is refused in our words.
        "max_file_size": 4 * MOST_UPLOAD_BYTES,
        # Of the server nothing is served; of visitors' files, what the page made for them.
        "allowed_paths": [],
        "blocked_paths": [str(_FOLDER)],
        "app_kwargs": {"middleware": [Middleware(UploadsStayPrivate, ownership=vars(page)["ownership"])]},
        "footer_links": ["api", "settings"],
        "show_error": True,
        "ssr_mode": False,
        "quiet": True,
    }


@dataclass(frozen=True)
class _Settings:
    """The inputs above the tabs."""

    model: gr.Textbox
    precision: gr.Dropdown
    upload: gr.File
    use: gr.Button
    reset: gr.Button


def _settings(handlers: Handlers) -> _Settings:
    with gr.Accordion("Settings: model, knowledge base, NIL", open=False, elem_id="settings"):
        with gr.Row():
            with gr.Column():
                model = gr.Textbox(
                    value=handlers.workbench.default,
                    label="Model",
                    info=f"{DEFAULT_MODEL}, or OWNER/NAME of any ANGEL or BART repository of the Hub",
                    max_lines=1,
                    elem_id="model",
                )
                precision = gr.Dropdown(
                    precision_choices(handlers.visit(None)),
                    value=0.0,
                    label="When the model is unsure",
                    info="NIL stands for: no answer is better than this one",
                    elem_id="precision",
                )
            with gr.Column():
                upload = gr.File(
                    label="Your own knowledge base: CSV, JSON or OBO",
                    file_types=[".csv", ".tsv", ".json", ".obo", ".txt"],
                    height=150,
                    elem_id="own-names",
                )
                gr.Markdown(
                    "A CSV file has the columns `concept_id,name,synonyms`. Nothing is trained; nobody else sees your "
                    "file, and it is forgotten when you leave.",
                    elem_classes="angel-hint",
                )
        with gr.Row():
            use = gr.Button("Use this model and knowledge base", variant="primary", elem_id="use")
            reset = gr.Button("Back to the start", elem_id="reset")
    return _Settings(model, precision, upload, use, reset)


def _annotate_tab(
    page: gr.Blocks, handlers: Handlers, visit: gr.State, precision: gr.Dropdown
) -> tuple[list[Component], list[Component]]:
    """Build the tab; returns the inputs and outputs of annotating its text again."""
    current = gr.State(None, time_to_live=3600)
    with gr.Row(equal_height=False, elem_classes="angel-columns"):
        with gr.Column(scale=3, min_width=320):
            text = gr.Textbox(
                label="Text",
                placeholder="Paste an abstract, a case report, a note ...",
                lines=4,
                max_lines=14,
                max_length=MOST_CHARACTERS,
                elem_id="text",
            )
            with gr.Row():
                run = gr.Button("Annotate", variant="primary", elem_id="annotate")
                share = gr.Button("Share this text", scale=0, min_width=180, elem_id="share")
            link = gr.Textbox(
                label="This link opens the page with your text", visible=False, buttons=["copy"], elem_id="link"
            )
            examples = gr.Dataset(
                components=[gr.Textbox(visible=False)],
                samples=[[example.text] for example in EXAMPLES],
                sample_labels=[example.label for example in EXAMPLES],
                label="Examples",
                elem_id="examples",
            )
            marked = gr.HTML(
                marking.EMPTY, js_on_load=(_FOLDER / "marked_text.js").read_text(encoding="utf-8"), elem_id="marked"
            )
        with gr.Column(scale=2, min_width=320, elem_classes="angel-side"):
            chosen = gr.HTML(details.EMPTY, elem_id="details")
    outputs: list[Component] = [current, marked, chosen]
    run.click(handlers.mark, [text, precision, visit], outputs, api_visibility="private")
    text.submit(handlers.mark, [text, precision, visit], outputs, api_visibility="private")
    examples.click(lambda sample: sample[0], examples, text, api_visibility="private").then(
        handlers.mark, [text, precision, visit], outputs, api_visibility="private"
    )
    # Quick choices are answered one after the other, so that the last one stays. By default those made while one is
    # answered are lost, and with "always_last" some still are.
    marked.select(
        handlers.choose,
        current,
        chosen,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_limit=1,
    )
    marked.submit(handlers.link_selection, current, outputs, api_visibility="private")
    share.click(None, text, link, js=_SHARE).then(
        lambda: gr.Textbox(visible=True), None, link, api_visibility="private"
    )
    page.load(handlers.from_address, None, [text, *outputs], api_visibility="private", show_progress="hidden")
    return [current, precision, visit], outputs


_DOCUMENT_FILES = [".csv", ".tsv", ".txt", ".pubtator", ".PubTator", ".xml", ".json", ".jsonl"]


def _batch_tab(handlers: Handlers, visit: gr.State, precision: gr.Dropdown) -> None:
    gr.Markdown(
        "A CSV file with a column `text` (and perhaps `id`), PubTator, BioC, PubMed XML or JSON lines; up to "
        f"{MOST_DOCUMENTS} documents and {MOST_UPLOAD_BYTES // 1_000_000} MB. For more, `angel annotate` runs on your "
        "own machine."
    )
    with gr.Row():
        upload = gr.File(label="Documents", file_types=_DOCUMENT_FILES, height=170, elem_id="documents")
        with gr.Column():
            run = gr.Button("Annotate all", variant="primary", elem_id="run-batch")
            done = gr.Markdown(elem_id="batch-done")
    table = gr.Dataframe(
        headers=list(SHOWN_COLUMNS),
        column_widths=["14%", "30%", "30%", "14%", "12%"],
        interactive=False,
        wrap=True,
        label="Mentions",
        elem_id="batch-table",
    )
    with gr.Row():
        parquet = gr.File(label="Parquet", interactive=False, elem_id="parquet")
        csv = gr.File(label="CSV, for spreadsheets", interactive=False, elem_id="csv")
    upload.upload(handlers.take, upload, None, api_visibility="private", show_progress="hidden")
    run.click(handlers.run_batch, [upload, precision, visit], [table, parquet, csv, done], api_visibility="private")


def _compare_tab(handlers: Handlers, default: str, visit: gr.State) -> list[Component]:
    """Build the tab; returns the components that settings change."""
    gr.Markdown(
        "An ANGEL model is trained in two steps: first on right names, then to prefer them to its own hard mistakes. "
        "Compared with the model of the first step, this shows what learning from mistakes changed."
    )
    about = gr.Markdown(about_counterpart(default), elem_id="about-counterpart")
    with gr.Row():
        left = gr.Textbox(
            value=positive_counterpart(default) or "",
            label="First model",
            info="trained on right names only",
            placeholder="OWNER/NAME of a repository of the Hub",
            max_lines=1,
            elem_id="left",
        )
        right = gr.Textbox(
            value=default, label="Second model", info="taught by its mistakes too", max_lines=1, elem_id="right"
        )
    text = gr.Textbox(
        label="Text", value=EXAMPLES[2].text, lines=4, max_lines=8, max_length=MOST_CHARACTERS, elem_id="compare-text"
    )
    known = list(gold_texts())
    examples = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[[one] for one in known],
        sample_labels=[f"Abstract {number}" for number in range(1, len(known) + 1)],
        label="Abstracts whose right answers are known",
        elem_id="known-texts",
    )
    run = gr.Button("Compare", variant="primary", elem_id="compare")
    shown = gr.HTML(comparison.EMPTY, elem_id="comparison")
    examples.click(lambda sample: sample[0], examples, text, api_visibility="private")
    run.click(handlers.compare, [text, left, right, visit], shown, api_visibility="private")
    return [left, right, about]
