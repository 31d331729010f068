"""The page: where each part stands, and which event calls which handler."""

from __future__ import annotations

import os
from pathlib import Path

# Read by gradio when it is imported: no call to anywhere at start.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr

from demo import comparison, details, marking
from demo.examples import EXAMPLES
from demo.handlers import SHOWN_COLUMNS, Handlers
from demo.limits import MOST_CHARACTERS, MOST_DOCUMENTS, MOST_UPLOAD_BYTES, MOST_WAITING
from demo.workbench import Workbench

_FOLDER = Path(__file__).parent
_INTRO = (
    '<header class="angel-header"><h1>ANGEL</h1><p>Biomedical entity linking that answers with a name of the '
    "knowledge base, letter-perfect, and tells how sure it is.</p></header>"
)
_SHARE = """(text) => {
  const address = new URL(window.location.href.split("?")[0]);
  address.searchParams.set("text", text);
  if (navigator.clipboard) navigator.clipboard.writeText(address.href).catch(() => {});
  return address.href;
}"""


def build_page(workbench: Workbench) -> gr.Blocks:
    """The page over a workbench; give `launch_options()` to its launch."""
    handlers = Handlers(workbench)
    with gr.Blocks(
        title="ANGEL: biomedical entity linking", analytics_enabled=False, delete_cache=(3600, 3600)
    ) as page:
        visit = gr.State(None, time_to_live=3600)
        gr.HTML(_INTRO)
        status = gr.HTML(handlers.status(None))
        precision = _settings(handlers, visit, status)
        with gr.Tab("Annotate"):
            _annotate_tab(page, handlers, visit, precision)
        with gr.Tab("Batch"):
            _batch_tab(handlers, visit, precision)
        with gr.Tab("Compare models"):
            _compare_tab(handlers, workbench.default)
        with gr.Tab("Use it in code"):
            gr.Markdown((_FOLDER / "code.md").read_text(encoding="utf-8"))
        gr.api(handlers.answer, api_name="annotate")
    page.queue(max_size=MOST_WAITING, default_concurrency_limit=2)
    return page


def launch_options() -> dict[str, object]:
    """What `launch` needs for this page: looks, quotas, no calls to anywhere."""
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
        "footer_links": ["api", "settings"],
        "show_error": True,
        "ssr_mode": False,
        "quiet": True,
    }


def _settings(handlers: Handlers, visit: gr.State, status: gr.HTML) -> gr.Dropdown:
    confidence = handlers.visit(None).linker.confidence
    thresholds = confidence.thresholds if confidence is not None else ()
    choices = [("Answer every mention", 0.0)]
    choices += [(f"Only where {stored.precision:.0%} of answers are right", stored.precision) for stored in thresholds]
    with gr.Accordion("Model, knowledge base, and when to answer nothing", open=False):
        with gr.Row():
            with gr.Column():
                model = gr.Textbox(
                    value=handlers.workbench.default,
                    label="Model",
                    info="angel-mini, or any ANGEL or BART repository of the Hub",
                    max_lines=1,
                    elem_id="model",
                )
                precision = gr.Dropdown(
                    choices, value=0.0, label="NIL", info="Too unsure an answer becomes NIL", elem_id="precision"
                )
            upload = gr.File(
                label="Your own knowledge base: CSV, JSON or OBO",
                file_types=[".csv", ".tsv", ".json", ".obo", ".txt"],
                height=170,
                elem_id="own-names",
            )
        with gr.Row():
            use = gr.Button("Use these", variant="primary", elem_id="use")
            reset = gr.Button("Back to the start", elem_id="reset")
        gr.Markdown(
            "A CSV file has the columns `concept_id,name,synonyms`. It is linked to at once, nothing is trained; "
            "nobody else sees it, and it is forgotten when you leave."
        )
    use.click(handlers.use, [model, upload], [visit, status], api_visibility="private")
    reset.click(
        lambda: (None, None, handlers.workbench.default, handlers.status(None)),
        None,
        [visit, upload, model, status],
        api_visibility="private",
    )
    return precision


def _annotate_tab(page: gr.Blocks, handlers: Handlers, visit: gr.State, precision: gr.Dropdown) -> None:
    current = gr.State(None, time_to_live=3600)
    with gr.Row(equal_height=False, elem_classes="angel-columns"):
        with gr.Column(scale=3, min_width=320):
            text = gr.Textbox(
                label="Text",
                placeholder="Paste an abstract, a case report, a note ...",
                lines=6,
                max_lines=14,
                max_length=MOST_CHARACTERS,
                elem_id="text",
            )
            with gr.Row():
                run = gr.Button("Annotate", variant="primary", elem_id="annotate")
                share = gr.Button("Link to this text", scale=0, min_width=210, elem_id="share")
            link = gr.Textbox(label="A link that opens this text", visible=False, buttons=["copy"], elem_id="link")
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
    outputs = [current, marked, chosen]
    run.click(handlers.mark, [text, precision, visit], outputs, api_visibility="private")
    text.submit(handlers.mark, [text, precision, visit], outputs, api_visibility="private")
    examples.click(lambda sample: sample[0], examples, text, api_visibility="private").then(
        handlers.mark, [text, precision, visit], outputs, api_visibility="private"
    )
    marked.select(handlers.choose, current, chosen, api_visibility="private", show_progress="hidden")
    marked.submit(handlers.link_selection, current, outputs, api_visibility="private")
    share.click(None, text, link, js=_SHARE).then(
        lambda: gr.Textbox(visible=True), None, link, api_visibility="private"
    )
    page.load(handlers.from_address, None, text, api_visibility="private").success(
        lambda value, *rest: handlers.mark(value, *rest) if value else (None, marking.EMPTY, details.EMPTY),
        [text, precision, visit],
        outputs,
        api_visibility="private",
    )


def _batch_tab(handlers: Handlers, visit: gr.State, precision: gr.Dropdown) -> None:
    gr.Markdown(
        f"A CSV file with a column `text` (and perhaps `id`), or a PubTator file; up to {MOST_DOCUMENTS} documents and "
        f"{MOST_UPLOAD_BYTES // 1_000_000} MB. For more, `angel annotate` runs on your own machine."
    )
    with gr.Row():
        upload = gr.File(label="Documents", file_types=[".csv", ".txt", ".pubtator"], height=170, elem_id="documents")
        with gr.Column():
            run = gr.Button("Annotate all", variant="primary", elem_id="run-batch")
            done = gr.Markdown(elem_id="batch-done")
    table = gr.Dataframe(
        headers=list(SHOWN_COLUMNS), interactive=False, wrap=True, label="Mentions", elem_id="batch-table"
    )
    with gr.Row():
        parquet = gr.File(label="Parquet", interactive=False, elem_id="parquet")
        csv = gr.File(label="CSV, for spreadsheets", interactive=False, elem_id="csv")
    run.click(handlers.run_batch, [upload, precision, visit], [table, parquet, csv, done], api_visibility="private")


def _compare_tab(handlers: Handlers, default: str) -> None:
    gr.Markdown(
        "Training in two steps makes a linker: first to write right names, then to prefer them to its own hard "
        "mistakes. Name both models, and see which answers the second step changed."
    )
    with gr.Row():
        left = gr.Textbox(
            value=default, label="First model", info="for example trained on right names only", elem_id="left"
        )
        right = gr.Textbox(label="Second model", info="for example trained to prefer right names", elem_id="right")
    text = gr.Textbox(label="Text", value=EXAMPLES[2].text, lines=4, max_length=MOST_CHARACTERS, elem_id="compare-text")
    run = gr.Button("Compare", variant="primary", elem_id="compare")
    shown = gr.HTML(comparison.EMPTY, elem_id="comparison")
    run.click(handlers.compare, [text, left, right], shown, api_visibility="private")
