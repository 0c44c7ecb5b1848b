"""The service's configuration: one error that names everything that is wrong."""

from pathlib import Path

import pytest

from serving.config import SHIPPED_CONFIG, ConfigError, ServingConfig, api_keys, load_config


def write(folder: Path, text: str) -> Path:
    path = folder / "serving.yaml"
    path.write_text(text)
    return path


def test_shipped_file_spells_out_the_defaults() -> None:
    assert load_config(SHIPPED_CONFIG) == load_config() == ServingConfig()


def test_overrides_replace_keys(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "port: 4000\nlimits: {documents: 8}"), {"port": 4001, "host": "localhost"})
    assert (config.port, config.host, config.limits.documents) == (4001, "127.0.0.1", 8)


def test_one_error_lists_every_bad_key(tmp_path: Path) -> None:
    path = write(tmp_path, "port: 70000\nhots: x\nhost: nowhere\nlimits: {documents: many}\npage: 1")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(path), "port:", "hots: is not a known field", "host: 'nowhere'", "limits.documents:", "page:"):
        assert part in message


@pytest.mark.parametrize("text", ["- a list", "{", "model: !!python/name:os.system", "model: 2026-13-45", "[" * 5000])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"serving\.yaml") as caught:
        load_config(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "none.yaml")


def test_keys_come_from_the_environment() -> None:
    assert api_keys({}) == ()
    assert api_keys({"STANCE_API_KEYS": " one, two,"}) == (b"one", b"two")


@pytest.mark.parametrize("value", ["", " , "])
def test_a_key_list_without_keys_does_not_open_the_service(value: str) -> None:
    with pytest.raises(ConfigError, match="STANCE_API_KEYS"):
        api_keys({"STANCE_API_KEYS": value})
