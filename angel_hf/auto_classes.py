"""The Auto classes and the pipeline of transformers learn about this package's model.

transformers takes seconds to import, so `import angel_hf` does not load it: the classes are registered once the program
has imported the Auto classes or the pipelines, in whatever order it imports the two packages. Without registration,
transformers asks on standard input whether to run a repository's own code.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_REGISTRIES = ("transformers.models.auto", "transformers.pipelines")
_WATCHED = ("transformers", "angel_hf")

_registered = threading.Event()
_lock = threading.Lock()


def register() -> None:
    """Register configuration, model, processor and pipeline; a second call does nothing. Imports torch."""
    if _registered.is_set():
        return
    _finder.stop()
    # Here, since these load torch and transformers.
    from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoProcessor
    from transformers.pipelines import PIPELINE_REGISTRY

    from angel_hf.model.checkpoint import embedded
    from angel_hf.model.configuration_angel import TASK, AngelConfig
    from angel_hf.model.entity_linking import AngelForEntityLinking
    from angel_hf.model.pipeline_angel import EntityLinkingPipeline
    from angel_hf.model.processor import AngelProcessor

    # Nothing is imported under the lock: two threads that import for each other would wait for ever.
    with _lock:
        if _registered.is_set():
            return
        AutoConfig.register("angel", AngelConfig, exist_ok=True)
        AutoModelForSeq2SeqLM.register(AngelConfig, AngelForEntityLinking, exist_ok=True)
        AutoProcessor.register(AngelConfig, AngelProcessor, exist_ok=True)
        # Without a model the pipeline takes the embedded one; a folder has no revision, but one must be named.
        PIPELINE_REGISTRY.register_pipeline(
            TASK, EntityLinkingPipeline, pt_model=AutoModelForSeq2SeqLM, default=(embedded("angel-mini"), "main")
        )
        _registered.set()


def register_with_transformers() -> None:
    """Register now where the program has imported the Auto classes or pipelines, else as soon as it has."""
    if any(name in sys.modules for name in _REGISTRIES):
        register()
    else:
        _finder.start()


class _RegisteringFinder(MetaPathFinder):
    """Finds no module itself; calls `register` after the import that brought the Auto classes or the pipelines.

    Modules of transformers and of this package import each other while they are half made, so registration waits for
    the end of the outermost of their imports in a thread.
    """

    def __init__(self) -> None:
        self._thread = threading.local()

    def start(self) -> None:
        """Watch imports from now on."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Watch no more imports."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders give for a watched module, with `register` to run after its import."""
        if fullname.partition(".")[0] not in _WATCHED:
            return None
        for finder in [finder for finder in sys.meta_path if finder is not self]:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                self._watch(spec)
                return spec
        return None

    def _watch(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        execute: Callable[[ModuleType], None] | None = getattr(loader, "exec_module", None)
        if loader is None or execute is None:
            return

        def execute_and_register(module: ModuleType) -> None:
            del loader.exec_module  # back to that of its class
            self._thread.depth = getattr(self._thread, "depth", 0) + 1
            try:
                execute(module)
            finally:
                self._thread.depth -= 1
            if self._thread.depth == 0 and self in sys.meta_path and any(name in sys.modules for name in _REGISTRIES):
                register()

        # On this one loader, whose type others may look at.
        loader.exec_module = execute_and_register  # type: ignore[method-assign]


_finder = _RegisteringFinder()
