"""A fake apt that cannot download before its lists are updated, and writes each call to LOG."""

from __future__ import annotations

from pathlib import Path

FAKE_APT = """#!/bin/sh
echo "$0 $@" >> "$LOG"
case "$*" in
  *download*) [ -e "$LOG.updated" ] && : > "$(eval echo \\${$#})_1.0_all.deb" ;;
  *update*) : > "$LOG.updated" ;;
  *search*) echo "libreoffice-help-de - German help"; echo "libreoffice-help-common - all" ;;
esac
"""
FAKE_DPKG = """#!/bin/sh
case "$1" in
  -f) echo 1.0 ;;
  -x) mkdir -p "$3/usr/share/libreoffice" && cp -r "$TREE" "$3/usr/share/libreoffice/help" ;;
esac
"""


def install(folder: Path) -> dict[str, str]:
    """Writes the commands to FOLDER/commands and returns the environment in which they are found.

    Packages contain FOLDER/help; LOG is FOLDER/log.
    """
    commands = folder / "commands"
    commands.mkdir()
    for name, text in {"apt-get": FAKE_APT, "apt-cache": FAKE_APT, "dpkg-deb": FAKE_DPKG}.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    return {"PATH": f"{commands}:/usr/bin:/bin", "LOG": str(folder / "log"), "TREE": str(folder / "help")}
