"""bfloat16 only where the processor has it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from training.config import OptimSpec
from training.precision import bf16_is_fast
from training.train import training_arguments


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A machine without a GPU, whose processor has the instructions that the test names."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(request.param, True), raising=False)


@pytest.mark.parametrize(
    ("processor", "fast"),
    [
        (("avx512_f", "avx512_vnni"), False),
        (("avx512_f", "avx512_bf16"), True),
        (("amx_bf16",), True),
        (("neon", "bf16"), True),
        ((), False),
    ],
    indirect=["processor"],
)
@pytest.mark.usefixtures("processor")
def test_the_processor_decides_unless_told(fast: bool, tmp_path: Path) -> None:
    assert bf16_is_fast() is fast
    assert training_arguments(OptimSpec(), tmp_path, seed=1).bf16 is fast
    assert training_arguments(OptimSpec(bf16=not fast), tmp_path, seed=1).bf16 is not fast


def test_a_release_that_cannot_tell_is_taken_to_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not bf16_is_fast()


@pytest.mark.parametrize("value", ["maybe", 2, None])
def test_other_words_are_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="bf16"):
        OptimSpec.model_validate({"bf16": value})
