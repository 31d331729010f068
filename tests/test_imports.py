"""Who may import whom: read from the source, so that nothing has to be installed or imported.

The layers of the package are contracts of import-linter, in pyproject.toml.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from angel_hf.model.remote_code import code_files

ROOT = Path(__file__).parents[1]
PACKAGES = ("angel_hf", "eval_harness", "hub_cards", "demo")
CORE = ROOT / "angel_hf"

TRAVELLERS_MAY_IMPORT = {"torch", "transformers", "huggingface_hub", "safetensors", "numpy"}
MOST_FILES, MOST_LINES = 15, 2500
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MOST_PARAMETERS = 400, 60, 12
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


def test_the_code_of_a_saved_model_is_short_and_stands_alone():
    """Few enough files for a stranger to read: relative imports of one another, and only what every user has."""
    files = {name: content.decode() for name, content in code_files().items()}
    assert len(files) <= MOST_FILES
    assert sum(text.count("\n") for text in files.values()) <= MOST_LINES
    for name, text in files.items():
        for module, dots, _ in imports(ast.parse(text)):
            if dots:
                assert dots == 1 and f"angel_code/{module}.py" in files, f"{name} imports {'.' * dots}{module}"
            else:
                top = module.split(".")[0]
                assert top in TRAVELLERS_MAY_IMPORT | set(sys.stdlib_module_names), f"{name} imports {module}"


def test_every_relative_import_of_a_file_that_travels_is_of_one_that_does():
    """Absolute imports mark the files that stay, so that nothing travels by accident."""
    travelling = {module.replace("angel_code/", "").removesuffix(".py") for module in code_files()}
    for path in sorted(CORE.rglob("*.py")):
        flat = "_".join(path.relative_to(CORE).with_suffix("").parts)
        if any(dots for _, dots, _ in imports(parsed(path))):
            assert flat in travelling, f"{path.relative_to(ROOT)} has a relative import and does not travel"


def test_files_functions_and_signatures_fit_a_screen():
    too_long = []
    for package in (*PACKAGES, "benchmarks", "tests"):
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if text.count("\n") > MOST_LINES_OF_A_FILE:
                too_long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
            for node in ast.walk(ast.parse(text)):
                if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    continue
                where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                if node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION:
                    too_long.append(f"{where}: {node.end_lineno - node.lineno + 1} lines")
                arguments = node.args
                count = len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs)
                if count > MOST_PARAMETERS and path.name != "cli.py" and CORE / "cli" not in path.parents:
                    too_long.append(f"{where}: {count} parameters")
    assert too_long == []


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
