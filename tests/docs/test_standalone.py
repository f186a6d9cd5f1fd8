"""docs/standalone.md: its configurations can be used, and its table has every option with its default."""

from __future__ import annotations

import json
import re

import yaml

from chirpbird.standalone.config import Config, parse
from chirpbird.standalone.greeting import served, warnings
from tests.support.documents import code_blocks, page
from tests.support.option_table import options

PAGE = "standalone.md"


def configurations() -> list[Config]:
    return [
        *(parse(json.loads(block)) for block in code_blocks(PAGE, "json")),
        *(parse(yaml.safe_load(block)) for block in code_blocks(PAGE, "yaml")),
    ]


def test_the_configurations_can_be_used() -> None:
    assert len(configurations()) == 2
    assert [list(warnings(config)) for config in configurations()] == [[], []]


def test_the_greeting_is_the_one_that_is_shown() -> None:
    [console] = code_blocks(PAGE, "console")
    assert f"memory engine; {served(configurations()[0])}\n" in console


def test_every_option_is_listed_with_its_default() -> None:
    table = page(PAGE).partition("## All options")[2]
    listed = re.findall(r"^\| `([^`]+)` \| (.*?) \|", table, re.MULTILINE)
    assert listed == list(options())
