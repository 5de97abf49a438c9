"""Locks carry hashes and no address."""

import json
import re

import pytest

from tests.house.source import ROOT

PYTHON_LOCKS = ("requirements.lock", "requirements-dev.lock", "tools/node.lock")


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_every_package_of_a_lock_has_one_version_and_a_hash(lock: str) -> None:
    text = re.sub(r"\\\n", " ", (ROOT / lock).read_text())
    packages = [line for line in text.splitlines() if line and line[0] not in " #"]
    assert packages
    for line in packages:
        assert re.match(r"[\w.\[\],-]+==[\w.!+]+", line), f"{lock}: {line[:80]}"
        assert "--hash=sha256:" in line, f"{lock}: {line[:80]}"


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^--(index-url|extra-index-url|find-links|trusted-host)", text, re.M)


def test_the_front_end_lock_has_a_hash_for_each_package_and_no_download_address() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert len(packages) > 1
    for name, told in packages.items():
        if name:
            assert told["integrity"].startswith("sha512-"), name
        told.pop("funding", None)
        assert "://" not in json.dumps(told), name


def test_setting_up_insists_on_the_hashes() -> None:
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "-r req" in line]
    assert len(installs) == 2
    assert all("--require-hashes" in line for line in installs)
