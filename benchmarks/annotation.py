"""`python -m benchmarks.annotation`: how long a visitor of the page waits, and how fast mentions are detected.

Wall-clock seconds on two threads, the size of a free Space. A start is everything from the first import to the page
being ready, its warming-up included; after it, each of the example's abstracts is annotated as the page does it.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "angel_hf" / "assets" / "examples" / "ncbi-disease.pubtator"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Seconds unless said otherwise; `characters` of the median abstract, `detection` in characters for a second of one
    core's time.
    """

    start: float
    first_answer: float
    abstract: float
    slowest_abstract: float
    characters: int
    detection: float


def measure(model: str, corpus: Path) -> Waiting:
    """Start the page in this process and annotate every document of a PubTator file."""
    began = time.perf_counter()
    from angel_hf.annotation.detector_cache import cached_name_detector
    from angel_hf.formats.pubtator import read_pubtator
    from demo.page import build_page
    from demo.workbench import Workbench, annotate

    workbench = Workbench(model)
    workbench.warm_up()
    build_page(workbench)
    ready = time.perf_counter()
    visit = workbench.visit()
    assert visit.linker.knowledge_base is not None, "a visit has a knowledge base"
    texts = [document.text for document in read_pubtator(corpus)]
    seconds = []
    for text in texts:
        start = time.perf_counter()
        annotate(visit, text)
        seconds.append(time.perf_counter() - start)
    detector = cached_name_detector(visit.linker.knowledge_base)
    many = texts * max(1, 500_000 // sum(map(len, texts)))
    start = time.process_time()
    detector.detect(many)
    detection = sum(map(len, many)) / (time.process_time() - start)
    characters = round(statistics.median(map(len, texts)))
    return Waiting(ready - began, seconds[0], statistics.median(seconds), max(seconds), characters, detection)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.annotation", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="angel-mini", help="embedded model, folder or Hub repository")
    parser.add_argument("--corpus", type=Path, default=EXAMPLE, help="PubTator")
    options = parser.parse_args()
    found = measure(options.model, options.corpus)
    rows = (
        ("start of the page until ready", f"{found.start:.2f} s"),
        ("first answer after that", f"{found.first_answer:.2f} s, target <= 10"),
        (f"an abstract of {found.characters:,} characters", f"{found.abstract:.2f} s, target about 1"),
        ("the slowest abstract", f"{found.slowest_abstract:.2f} s"),
        ("detection of names, on one core", f"{found.detection / 1e6:.2f} million characters a second, target >= 1"),
    )
    print(f"Annotation on two threads, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    for what, value in rows:
        print(f"  {what:<36}{value}")


if __name__ == "__main__":
    main()
