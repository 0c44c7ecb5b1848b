"""How the command line ends: exit codes, one line a failure, quiet pipes and interruptions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from stance.cli.app import run
from stance.cli.failures import Refusal, extra
from stance.cli.output import color, emit, try_out, width

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from stance.cli import main; main()"]
COMMANDS = [
    ["classify"],
    ["score"],
    ["report"],
    ["serve"],
    ["train"],
    ["evaluate"],
    *(["models", name] for name in ("list", "show", "import", "promote", "rollback", "remove")),
    *(["data", name] for name in ("validate", "import", "export", "stats")),
]


@pytest.mark.parametrize("command", [[], ["data"], ["models"], *COMMANDS], ids=" ".join)
def test_help_explains_every_command(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    shown = capsys.readouterr()
    assert f"Usage: {' '.join(['stance', *command])}" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing command; see stance --help"),
        (["nope"], "No such command 'nope'; see stance --help"),
        (["classify", "--nope"], "No such option: --nope"),
        (
            ["classify", "x", "--format", "pdf"],
            "'pdf' is not one of 'table', 'json', 'html'; see stance classify --help",
        ),
        (["classify", "none.txt"], "none.txt: cannot be read (No such file or directory); name an existing text file"),
        (["score", "x.jsonl"], "Missing option '--out'; see stance score --help"),
        (["score", "x.jsonl", "--out", "o", "--workers", "0"], "'--workers'"),
        (["serve", "--port", "70000"], "'--port'"),
        (["serve", "--config", "none.yaml"], "none.yaml: no such file"),
        (["models", "promote", "stance:x"], "Missing option '--evaluation'"),
        (["data", "import", "x", "--out", "y"], "Missing option '--format'"),
    ],
)
def test_unusable_arguments_exit_2_with_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("stance: ")
    assert shown.err.count("\n") == 1
    assert message in shown.err


def test_a_missing_extra_is_named() -> None:
    with pytest.raises(Refusal, match=r"needs no_such_library; pip install 'stance\[train\]'"), extra("train"):
        import no_such_library  # noqa: F401
    with pytest.raises(ModuleNotFoundError), extra("train"):
        import training.no_such_module  # noqa: F401


def test_emit_writes_a_whole_file_or_none(tmp_path: Path) -> None:
    emit(["a\n", "b\n"], tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == b"a\nb\n"
    with pytest.raises(Refusal, match=r"--out: .* cannot be written"):
        emit(["a"], tmp_path / "none" / "out.txt")
    with pytest.raises(Refusal, match=r"--out: / cannot be written \(Is a directory\); name another file"):
        emit(["a"], Path("/"))
    with pytest.raises(ZeroDivisionError):
        emit((f"{1 / n}" for n in (1, 0)), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == b"a\nb\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_emit_leaves_a_device_in_its_place() -> None:
    try_out(Path("/dev/null"))
    emit(["a\n"], Path("/dev/null"))
    assert Path("/dev/null").is_char_device()


def test_environment_rules_width_and_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    assert width() == 77
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert color()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not color()


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_who_goes_away_is_no_error(lines: int) -> None:
    code = f"import sys, typer\nfrom stance.cli.output import emit\ntry:\n emit('line\\n' for _ in range({lines}))\n"
    code += "except typer.Exit as end:\n sys.exit(end.exit_code)"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


def test_ctrl_c_is_quiet() -> None:
    process = subprocess.Popen(
        [*COMMAND, "classify", "-"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that started the tests in the background told them, and so their children, to ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    # More than a pipe holds: once it is written, the command is reading.
    process.stdin.write(b"x" * 1_000_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out, error) == (130, b"", b"")


def test_typer_still_offers_what_this_rests_on() -> None:
    assert issubclass(typer.BadParameter, typer.TyperException)


@pytest.mark.parametrize("module", ["stance", "stance.cli"])
def test_the_command_line_is_a_module_too(module: str) -> None:
    command = [sys.executable, "-m", module, "classify", "none.txt"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("stance: none.txt: cannot be read")
