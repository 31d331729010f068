"""Who may import whom: read from the source, so that nothing has to be installed or imported."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("angel_hf", "eval_harness", "hub_cards", "demo")
CORE = ROOT / "angel_hf"

# Files that `save_pretrained` copies beside a model, to run as remote code without this package.
NAMED_TRAVELLERS = {
    "types",
    "configuration_angel",
    "processing_angel",
    "modeling_angel",
    "trie",
    "search",
    "knowledge_base",
}
TRAVELLERS_MAY_IMPORT = {"torch", "transformers", "huggingface_hub", "safetensors", "numpy"}
ONLY_INSIDE_FUNCTIONS = {"pyarrow", "threadpoolctl"}
HEAVY = {"torch", "transformers", "datasets", "sklearn", "pyarrow", "pandas", "scipy"}


def imports(tree: ast.AST) -> Iterator[tuple[str, int, bool]]:
    """Every imported module: its dotted name, how many dots stand before it, and whether that is at module level."""

    def visit(node: ast.AST, at_module_level: bool) -> Iterator[tuple[str, int, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, 0, at_module_level) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                # `from . import a, b` names modules.
                names = [child.module] if child.module else [alias.name for alias in child.names]
                yield from ((name, child.level, at_module_level) for name in names)
            elif isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
                yield from visit(ast.Module(child.orelse, []), at_module_level)
            else:
                inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                yield from visit(child, at_module_level and not inside)

    return visit(tree, True)


def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def travellers() -> set[str]:
    """The named files and whatever they import by a relative import, down to the last."""
    found: set[str] = set()
    waiting = set(NAMED_TRAVELLERS)
    while waiting:
        name = waiting.pop()
        found.add(name)
        relative = {module.split(".")[0] for module, dots, _ in imports(parsed(CORE / f"{name}.py")) if dots}
        waiting |= relative - found
    return found


@pytest.mark.parametrize("package", [name for name in PACKAGES if (ROOT / name).is_dir()])
def test_a_package_imports_no_package_that_is_built_on_it(package):
    above = set(PACKAGES[PACKAGES.index(package) + 1 :]) | {"tests", "benchmarks"}
    if package != "angel_hf":
        above -= {"eval_harness", "hub_cards", "demo"}
    found = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for module, dots, _ in imports(parsed(path))
        if not dots and module.split(".")[0] in above
    }
    assert found == set()


@pytest.mark.parametrize("name", sorted(travellers()))
def test_a_file_that_travels_with_a_model_stands_alone(name):
    """Flat in the package, one-level relative imports of other travelling files, and only what every user has."""
    for module, dots, at_module_level in imports(parsed(CORE / f"{name}.py")):
        top = module.split(".")[0]
        if dots:
            assert (dots, module) == (1, top), f"{name}.py imports {'.' * dots}{module}: not flat"
            assert (CORE / f"{top}.py").is_file(), f"{name}.py imports .{module}: a folder does not travel"
        elif top in ONLY_INSIDE_FUNCTIONS:
            assert not at_module_level, f"{name}.py imports {module} at its head; only inside a function"
        else:
            assert top in TRAVELLERS_MAY_IMPORT | set(sys.stdlib_module_names), f"{name}.py imports {module}"


def test_the_command_line_loads_nothing_heavy_before_a_command_needs_it():
    found = {
        f"{path.name}: {module}"
        for path in sorted((CORE / "cli").glob("*.py"))
        for module, dots, at_module_level in imports(parsed(path))
        if at_module_level and (module.split(".")[0] in HEAVY or module == "angel_hf")
    }
    assert found == set()


def test_only_the_command_line_prints():
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted(CORE.rglob("*.py"))
        if CORE / "cli" not in path.parents
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert found == set()


def test_the_parser_of_imports_sees_every_form():
    source = (
        "import a.b\nfrom c import d\nfrom . import e\nfrom .f import g\n"
        "if TYPE_CHECKING:\n    import h\nelse:\n    import i\n"
        "def function():\n    import j\n"
        "class Class:\n    import k\n    def method(self):\n        from ..l import m\n"
        "try:\n    import n\nexcept ImportError:\n    pass\n"
    )
    assert list(imports(ast.parse(source))) == [
        ("a.b", 0, True),
        ("c", 0, True),
        ("e", 1, True),
        ("f", 1, True),
        ("i", 0, True),
        ("j", 0, False),
        ("k", 0, True),
        ("l", 2, False),
        ("n", 0, True),
    ]
