"""Settings in a TOML file: the names of ``Settings``, as docs/operations.md has them, in small letters."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from chirpbird.settings import Settings, SettingsError, nearest

__all__ = ["load_settings"]

_MAX_BYTES = 1 << 20


def load_settings(file: Path | None, **options: Any) -> Settings:
    """What is set by ``options``, by the environment, and last in the file, if there is one.

    Errors: SettingsError when the file cannot be read, is no TOML or names what is no setting (all such names are told);
    ValidationError when a value cannot work, wherever it comes from.
    """
    if file is None:
        return Settings(**options)
    values = _read(file)

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, values)

    return FromFile(**options)


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            written = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"cannot read the settings in {file}: {error.strerror}") from error
    if len(written) > _MAX_BYTES:
        raise SettingsError(f"{file} has more than {_MAX_BYTES} bytes, a file of settings is expected")
    try:
        values = tomllib.loads(written.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # Its words are about the place; nothing of what is there is quoted.
        raise SettingsError(f"{file} is no TOML: {str(error)[:1].lower()}{str(error)[1:]}") from error
    unknown = []
    for name in values.keys() - Settings.model_fields.keys():
        meant = nearest(name)
        unknown.append(f"{name} is no setting" + (f"; did you mean {meant}?" if meant else ""))
    if unknown:
        raise SettingsError(f"in {file}: {', '.join(sorted(unknown))}")
    return values
