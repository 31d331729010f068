"""Metrics, each a folder that `evaluate.load` loads and that can be pushed as a metric Space.

The formulas are in files without heavy imports, which the harness uses; beside each is the module for `evaluate`.
"""

from pathlib import Path

METRICS_FOLDER = Path(__file__).parent
"""`evaluate.load(str(METRICS_FOLDER / "entity_linking"))`, and so on."""
