"""The Auto classes and the pipeline know the model, in whatever order a program imports the two packages."""

import sys

import pytest

from angel_hf import auto_classes
from angel_hf.model.checkpoint import embedded
from tests.test_public_surface import in_a_fresh_process

CHECK = """
import sys
from angel_hf import auto_classes
assert not [finder for finder in sys.meta_path if type(finder).__module__ == "angel_hf.auto_classes"]
assert auto_classes._registered.is_set()
"""

ORDERS = {
    "before": "import angel_hf; from transformers import AutoModelForSeq2SeqLM",
    "after": "from transformers import AutoProcessor; import angel_hf",
    "after transformers itself": "import transformers; import angel_hf; from transformers import AutoConfig",
    "before the pipelines": "import angel_hf; from transformers import pipeline",
    "after the pipelines": "from transformers import pipeline; import angel_hf",
    "its model": "import angel_hf.model.entity_linking; from transformers import AutoProcessor",
    "its command line": "import angel_hf.cli; from transformers import AutoModelForSeq2SeqLM",
    "between": "from transformers import AutoConfig; import angel_hf; from transformers import AutoModelForSeq2SeqLM",
    "beside a library of transformers": "import angel_hf; import peft; from transformers import AutoProcessor",
    "by the use of a name": "import angel_hf; angel_hf.Mention; from transformers import AutoProcessor",
}
LOAD = f"""
from transformers.utils import logging
logging.disable_progress_bar()
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoProcessor
from transformers.pipelines import PIPELINE_REGISTRY
for auto in (AutoConfig, AutoModelForSeq2SeqLM, AutoProcessor):
    print(type(auto.from_pretrained({embedded("angel-mini")!r})).__name__)
print(PIPELINE_REGISTRY.check_task("entity-linking")[1]["impl"].__name__)
"""
LOADED = ["AngelConfig", "AngelForEntityLinking", "AngelProcessor", "EntityLinkingPipeline"]


@pytest.mark.parametrize("order", ORDERS)
def test_the_auto_classes_and_the_pipeline_know_the_model_without_a_question(order):
    """Were it not registered, transformers would ask on standard input, which is empty."""
    assert in_a_fresh_process(ORDERS[order] + CHECK + LOAD).split() == LOADED


THREADS = """
import sys, threading
import angel_hf
import transformers  # whose first import itself fails in several threads at once

def use(number):
    barrier.wait()
    if number % 2:
        from transformers import AutoModelForSeq2SeqLM
    else:
        angel_hf.AngelForEntityLinking
    done.append(number)

barrier, done = threading.Barrier(8), []
threads = [threading.Thread(target=use, args=(number,), daemon=True) for number in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join(600)
assert sorted(done) == list(range(8)), done
from transformers import AutoConfig
print(type(AutoConfig.for_model("angel")).__name__)
"""


def test_threads_that_import_at_once_all_get_the_classes():
    assert in_a_fresh_process(THREADS + CHECK) == "AngelConfig\n"


LOADER = """
import inspect, sys
import angel_hf, transformers
from importlib.machinery import SourceFileLoader
from transformers import AutoConfig
module = sys.modules["transformers.models.auto.configuration_auto"]
assert type(module.__loader__) is SourceFileLoader and "exec_module" not in vars(module.__loader__)
assert "class AutoConfig" in inspect.getsource(AutoConfig)
import importlib.util
assert importlib.util.find_spec("transformers.absent") is None
print("found")
"""


def test_watched_modules_are_loaded_as_ever():
    assert in_a_fresh_process(LOADER) == "found\n"


def test_a_second_registration_is_none(caplog):
    auto_classes.register()
    auto_classes.register_with_transformers()
    assert auto_classes._finder not in sys.meta_path
    assert not caplog.records
