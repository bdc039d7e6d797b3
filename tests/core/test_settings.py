from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from marlin_edit.core_settings import parse_handles, register_settings
from marlin_edit.errors import UsageError
from marlin_edit.settings import Settings, config_path, resolved
from marlin_edit.timebase import FrameNumber

DEFINITIONS = {setting.name: setting for setting in register_settings()}


def settings_with(tmp_path: Path, config: str = "", **variables: str) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(config, encoding="utf-8")
    return resolved(DEFINITIONS, {"MARLIN_EDIT_CONFIG": str(path), **variables})


def test_a_flag_goes_before_the_environment_before_the_file_before_the_default(tmp_path: Path) -> None:
    config = 'model = "file"\ndevice = "cpu"\ndtype = "float32"\n'
    settings = settings_with(tmp_path, config, MARLIN_EDIT_MODEL="variable", MARLIN_EDIT_DEVICE="cuda")
    settings = settings.with_flags({"model": "flag", "decoder": None})
    assert {name: (settings[name], settings.source(name)) for name in ("model", "device", "dtype", "decoder")} == {
        "model": ("flag", "--model"),
        "device": ("cuda", "MARLIN_EDIT_DEVICE"),
        "dtype": ("float32", str(tmp_path / "config.toml")),
        "decoder": ("auto", "default"),
    }


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert settings_with(tmp_path, MARLIN_EDIT_MODEL="").source("model") == "default"


def test_numbers_and_truth_values_of_the_file_are_read_like_their_text(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, 'overwrite = true\nstream = 3\nhandles = "12f"\n')
    assert settings.value("overwrite", bool) is True
    assert settings.optional("stream", int) == 3
    assert settings["handles"] == FrameNumber(12)


def test_a_value_of_another_type_than_the_one_asked_for_is_a_type_error(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"The setting stream is None \(default\), not a int"):
        settings_with(tmp_path).value("stream", int)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('device = "gpu"', "config.toml, key 'device': 'gpu' is not one of auto, cuda, mps, cpu."),
        ('stream = "first"', "config.toml, key 'stream': 'first' is not a stream."),
        ("model = [1]", "config.toml, key 'model': [1] is neither a text, a number nor true or false."),
        ("model = ", "config.toml is not TOML: Invalid value (at end of document)"),
    ],
)
def test_a_bad_value_names_file_and_key(tmp_path: Path, config: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        settings_with(tmp_path, config)
    assert message in str(raised.value)


def test_a_bad_variable_and_a_bad_flag_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="MARLIN_EDIT_OVERWRITE: 'maybe' is neither true nor false"):
        settings_with(tmp_path, MARLIN_EDIT_OVERWRITE="maybe")
    with pytest.raises(UsageError, match="--handles: 'wide' is not a time"):
        settings_with(tmp_path).with_flags({"handles": "wide"})


def test_what_nobody_reads_is_warned_of(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, 'devise = "cpu"\n', MARLIN_EDIT_MODLE="demo")
    assert settings.warnings == (
        f"{tmp_path / 'config.toml'}: nothing reads the key 'devise'. Did you mean device?",
        "Nothing reads the variable MARLIN_EDIT_MODLE. Did you mean MARLIN_EDIT_MODEL?",
    )


def test_a_configuration_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"names the configuration file .*missing\.toml"):
        resolved(DEFINITIONS, {"MARLIN_EDIT_CONFIG": str(tmp_path / "missing.toml")})


def test_without_a_name_the_file_is_in_the_user_s_configuration_directory() -> None:
    assert config_path({}).parts[-2:] == ("marlin-edit", "config.toml")


@pytest.mark.parametrize(
    ("text", "length"),
    [("12f", FrameNumber(12)), ("0.5s", Fraction(1, 2)), ("0", Fraction(0)), ("1/3", Fraction(1, 3))],
)
def test_handles_are_frames_or_seconds(text: str, length: Any) -> None:
    assert parse_handles(text) == length


def test_handles_are_not_time_code() -> None:
    with pytest.raises(ValueError, match="is not a length"):
        parse_handles("00:00:01:00")


def test_settings_are_read_only(tmp_path: Path) -> None:
    settings: Any = settings_with(tmp_path)
    with pytest.raises(TypeError):
        settings["model"] = "other"
