"""The rules that hold the project's shape: who may import whom, and what no file may hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path for package in ("stance", "training", "serving") for path in (ROOT / package).rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

FORBIDDEN = {
    "stance": {"training", "serving"},
    "training": {"serving"},
    "serving": {"training"},
}
TORCH = {"torch", "transformers", "datasets", "accelerate", "sklearn", "nncf", "matplotlib"}
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


each_file = pytest.mark.parametrize("path", FILES, ids=name_of)


def imports(tree: ast.AST) -> set[str]:
    """Top-level names of everything that a tree imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def imports_at_load(tree: ast.Module) -> set[str]:
    """What importing the module itself imports: not what its functions do, nor what only type checkers see."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not typing_only and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= imports_at_load(node) if isinstance(node, ast.ClassDef) else imports(ast.Module([node], []))
    return found


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


@each_file
def test_packages_import_only_what_they_may(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = path.relative_to(ROOT).parts[0]
    in_cli = path.is_relative_to(ROOT / "stance" / "cli")
    reached = imports_at_load(tree) if in_cli else imports(tree)
    assert not reached & FORBIDDEN[package]


@each_file
def test_serving_needs_no_training_library(path: Path) -> None:
    if path == ROOT / "stance" / "model.py" or path.is_relative_to(ROOT / "training"):
        return
    assert not imports(ast.parse(path.read_text(encoding="utf-8"))) & TORCH


@each_file
def test_nothing_runs_what_it_reads(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {ast.unparse(n.func): n for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert not imports(tree) & UNSAFE_MODULES
    assert not calls.keys() & UNSAFE_CALLS
    assert "torch.load" not in calls, "safetensors holds tensors and nothing else"
    arguments = {k.arg: ast.unparse(k.value) for call in calls.values() for k in call.keywords}
    assert arguments.get("allow_pickle", "False") == "False"
    assert arguments.get("trust_remote_code", "False") == "False"


@each_file
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE_LINES
    for function in functions(ast.parse(text)):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        first = body[0].lineno if body else function.lineno
        head = function.body[0].lineno - function.lineno
        last = function.end_lineno or first
        assert head + last - first + 1 <= MAX_FUNCTION_LINES, function.name


def test_the_rules_see_what_they_forbid() -> None:
    tree = ast.parse("import os.path\nclass A:\n import pickle\n def f(self):\n  from serving.run import serve\n")
    assert imports(tree) == {"os", "pickle", "serving"}
    assert imports_at_load(tree) == {"os", "pickle"}


def test_help_loads_no_heavy_library() -> None:
    code = "import sys; from stance.cli.app import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "classify" in done.stdout
    assert not set(done.stderr.split()) & {"torch", "transformers", "openvino", "bentoml", "jinja2", "pyarrow", "numpy"}
