"""What people read beside the code: links lead somewhere, the site has every page, hooks need no network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.toy import ROOT

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")  # those of docs/ are checked by `make docs`


def anchors(page: Path) -> set[str]:
    """Returns the anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_outside_the_site_lead_to_existing_files(name: str) -> None:
    for target, anchor in LINK.findall((ROOT / name).read_text(encoding="utf-8")):
        page = ROOT / (target or name)
        assert page.exists(), target
        assert not anchor or anchor in anchors(page), f"{target}#{anchor}"


def test_the_site_contains_every_page() -> None:
    found = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    listed = re.findall(r"^ +- ([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(found)


def test_hooks_come_from_the_environment() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repo["repo"] for repo in hooks} == {"local"}
    assert all(hook["entry"].startswith(".venv/bin/") for repo in hooks for hook in repo["hooks"])
