"""Where Commonweal keeps its state: the embedded database, logs, the demo's mail, built files."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def home() -> Path:
    """Return the state folder, which need not exist yet.

    ``COMMONWEAL_HOME`` when it is set; ``var`` beside the source when run from a source tree;
    otherwise the place where an ordinary user's programs keep their data.
    """
    named = os.environ.get("COMMONWEAL_HOME")
    if named:
        return Path(named).expanduser().resolve()
    if (ROOT / "pyproject.toml").is_file():
        return ROOT / "var"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "commonweal"
