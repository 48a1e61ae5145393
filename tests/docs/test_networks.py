"""What a user loses if these fail: a table of the networks' keys that tells other defaults than those that hold, or lacks a key."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, get_args

import yaml

from mtl_models.config import network as config
from mtl_models.config.backbone import LoraSection

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")
KEY_ROW = re.compile(r"^\| `([\w.]+)` \| ([\w*]+) \| `(.*?)` \| .+ \|$", re.MULTILINE)
SECTIONS = get_args(get_args(config.Network)[0])
OPTIONAL = {"ngrams": config.NgramsSection, "lora": LoraSection}
NETWORKS = {get_args(section.model_fields["name"].annotation)[0]: section for section in SECTIONS}


def _defaults(section: Any, at: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in section.model_fields.items():
        below = OPTIONAL.get(name) or (type(field.default) if isinstance(field.default, config.Section) else None)
        if below is not None:
            found |= _defaults(below, f"{at}{name}.")
        if name != "name" and not field.is_required() and not isinstance(field.default, config.Section) and name != "ngrams":
            found[f"{at}{name}"] = field.default
    return found


def test_the_table_has_every_key_of_every_network_with_its_default() -> None:
    common = _defaults(config.JointLstm)
    for network, section in NETWORKS.items():
        told = {key: yaml.safe_load(default) for key, pattern, default in KEY_ROW.findall(PAGE) if fnmatch(network, pattern)}
        usual = {key: value for key, value in common.items() if not key.startswith("ngrams.") and key not in told}
        assert {key: value for key, value in _defaults(section).items() if key not in usual or usual[key] != value} == told, network


def test_every_network_is_in_the_table_of_networks() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| [^`|]+ \| [^`|]+ \|$", PAGE, re.MULTILINE)) == set(NETWORKS)
