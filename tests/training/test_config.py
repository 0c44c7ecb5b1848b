"""Training's configuration: what is read, what an override changes, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from training.config import ConfigError, TrainConfig, TrainSource, load_config

SOURCE = {"name": "mine", "format": "jsonl", "path": "mine.jsonl"}
WHOLE: dict[str, Any] = {"output": "run", "model": {"encoder": "some/encoder"}, "train": [SOURCE], "dev": [SOURCE]}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A configuration with the keys that have no default."""
    path = tmp_path / "train.yaml"
    path.write_text(yaml.safe_dump(WHOLE), encoding="utf-8")
    return path


def changed(path: Path, **keys: Any) -> Path:
    """The configuration with some keys at the top changed."""
    path.write_text(yaml.safe_dump(WHOLE | keys), encoding="utf-8")
    return path


def corpus(path: Path, *ids: str) -> Path:
    """A file of labelled documents with these ids."""
    lines = [f'{{"id": "{name}", "text": "Orla fell.", "actors": [{{"id": "o", "name": "Orla"}}]}}\n' for name in ids]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def source(path: Path, only: list[str] | None) -> TrainSource:
    return TrainSource(name="mine", format="jsonl", path=path, only=only)


def test_only_keeps_the_documents_whose_ids_match_one_pattern(tmp_path: Path) -> None:
    path = corpus(tmp_path / "mine.jsonl", "w3-001", "w30-001", "w31-002", "w40-001", "w41-001")
    kept = [d.id for d in source(path, ["w3?-*", "w40-*"]).documents()]
    assert kept == ["w30-001", "w31-002", "w40-001"]
    assert len(source(path, None).documents()) == 5


def test_patterns_tell_capitals_apart(tmp_path: Path) -> None:
    path = corpus(tmp_path / "mine.jsonl", "A-1", "a-1")
    assert [d.id for d in source(path, ["a-*"]).documents()] == ["a-1"]


def test_only_that_leaves_nothing_is_an_error_that_names_the_patterns(tmp_path: Path) -> None:
    path = corpus(tmp_path / "mine.jsonl", "w1-001")
    with pytest.raises(ConfigError, match=r"mine\.only: no document's id matches w7-\*, w8-\*"):
        source(path, ["w7-*", "w8-*"]).documents()


def test_only_without_a_pattern_is_refused(written: Path) -> None:
    with pytest.raises(ConfigError, match=r"train\.0\.only"):
        load_config(changed(written, train=[SOURCE | {"only": []}]))


def test_overrides_reach_into_keys_and_lists(written: Path) -> None:
    config = load_config(written, ["optim.epochs=1", "train.0.path=other.jsonl", "train.0.only=['a*']"])
    assert config.optim.epochs == 1
    assert config.train[0].path == Path("other.jsonl")
    assert config.train[0].only == ["a*"]
    assert config.dev[0].path == Path("mine.jsonl")  # which is one YAML anchor with the other in this file


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("optim.epochs", "write key=value"),
        ("=1", "write key=value"),
        ("train.3.path=x", "there is no '3' to set"),
        ("train.first.path=x", "there is no 'first' to set"),
        ("output.deep.er=x", "there is no 'deep' to set"),
        ("output.deep=x", "there is no 'deep' to set"),
        ("train.².path=x", "there is no '²' to set"),
        ("optim.epochs={", "not YAML .*check the value"),
        ("optim.epochs=!!bool x", "put the value in quotes"),
    ],
)
def test_an_override_that_fits_nothing_is_named(written: Path, override: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        load_config(written, [override])
    assert override in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("optim.epochs=0", "optim.epochs"),
        ("optim.warmup=1", "optim.warmup"),
        ("train.0.share=0", "train.0.share"),
        ("train.0.repeat=51", "train.0.repeat"),
        ("train.0.format=xml", "train.0.format"),
        ("optim.speed=9", "optim.speed"),
        ("overlap=ignore", "overlap"),
        ("optim.bf16=maybe", r"optim\.bf16\.bool"),
    ],
)
def test_a_bad_value_is_told_with_its_key(written: Path, override: str, key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}: "):
        load_config(written, [override])


def test_all_faults_are_told_at_once(written: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(written, ["optim.epochs=-1", "seed=often"])
    assert "optim.epochs: " in str(error.value)
    assert "seed: " in str(error.value)


def test_two_sources_of_one_name_are_refused(written: Path) -> None:
    with pytest.raises(ConfigError, match="mine is used twice"):
        load_config(changed(written, train=[SOURCE, SOURCE]))


def test_a_share_of_the_start_needs_a_start(written: Path) -> None:
    with pytest.raises(ConfigError, match=r"optim\.start_share: .*model\.start"):
        load_config(written, ["optim.start_share=0.5"])


def test_gum_needs_a_split_and_no_other_format_has_one(written: Path) -> None:
    with pytest.raises(ConfigError, match="gum needs one of train, dev, test"):
        load_config(written, ["train.0.format=gum"])
    with pytest.raises(ConfigError, match="jsonl has one file a split"):
        load_config(written, ["train.0.split=dev"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"seed: 1\na: [", "line 2: not YAML"),
        (b"- a\n", "found list"),
        (b"", "found NoneType"),
        (b"seed: !!int ''\n", "put the value in quotes"),
        (b"[" * 5000, "nested too deeply"),
        ("output: Türkei".encode("latin-1"), r"not UTF-8 \(byte 9\); save it as UTF-8"),
    ],
)
def test_a_file_that_holds_no_configuration_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as error:
        load_config(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_an_anchor_that_holds_itself_is_told(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.write_text("output: &loop [*loop]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds its own alias"):
        load_config(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "none.yaml")


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read \(Is a directory\); give --config an existing YAML file"):
        load_config(tmp_path)


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text("output: !!python/object/apply:os.getcwd []\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="not YAML"):
        load_config(path)


@pytest.mark.parametrize("path", sorted(Path("configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_training_configuration_is_valid(path: Path) -> None:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "train" not in raw:
        pytest.skip(f"{path.name} configures no training")
    assert isinstance(load_config(path), TrainConfig)
