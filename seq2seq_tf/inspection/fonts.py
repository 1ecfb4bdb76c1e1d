"""Text of figures in any script: every character that an installed font has is drawn.

matplotlib shapes text itself (letters that join, right-to-left order, clusters; HarfBuzz and SheenBidi, since 3.11)
and falls back from font to font within a list of families. It does not choose these families: this module finds them
by the characters. All figures of this package become PNGs through `figure_png`.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import sys
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fontTools import unicodedata as scripts
from tqdm import tqdm

from seq2seq_tf.text.scripts import SHARED, count_scripts, script_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontEntry
    from matplotlib.text import Text

_CJK = ("Hani", "Hira", "Kana", "Bopo", "Hang")
_SYMBOLS = "Zyyy"
_WITHOUT_GLYPH = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")  # invisible, or in no font
_UNFIT = ("LastResort", "Last Resort", "Blank", "Color", "STIXSize")  # boxes, blanks, bitmaps, parts of brackets
_EXAMPLES = 3  # characters named per script


def dress(figure: Figure) -> None:
    """Gives each text of a figure font families that have its characters; reports once which ones no font has.

    The labels of an axis are treated together: Chinese characters beside Japanese kana get their Japanese forms.
    """
    from matplotlib.text import Text  # slow to import, needed only for pictures

    sides = [axis.get_majorticklabels() for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    labels = {id(text) for side in sides for text in side}
    others: dict[tuple[str, ...], list[Text]] = {}
    for text in figure.findobj(Text):
        if id(text) not in labels:
            others.setdefault(tuple(text.get_fontfamily()), []).append(text)
    for group in filter(None, [*sides, *others.values()]):
        wanted = families([text.get_text() for text in group], group[0].get_fontfamily())
        for text in group:
            text.set_fontfamily(wanted)


def figure_png(figure: Figure) -> bytes:
    """Returns a figure as a PNG after `dress`, without matplotlib's warnings about each missing glyph."""
    dress(figure)
    buffer = io.BytesIO()
    with _without_notes():
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


@contextlib.contextmanager
def _without_notes() -> Iterator[None]:
    """Keeps matplotlib from writing a line per missing glyph, or per family without a bold face."""
    log = logging.getLogger("matplotlib.font_manager")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
            yield
    finally:
        log.setLevel(before)


def families(texts: Sequence[str], base: Sequence[str]) -> list[str]:
    """Returns the families `base`, followed by as many others as the texts need.

    Characters that no installed font has are reported on standard error, with the package to install, once per script
    and process.
    """
    needed = {c for text in texts for c in text if unicodedata.category(c) not in _WITHOUT_GLYPH}
    fonts = _installed()
    missing = fonts.lacking(base, needed)
    if not missing:
        return list(base)
    more, nowhere = fonts.covering(missing, _Wanted.of(texts, "monospace" in base))
    if nowhere:
        fonts.tell(nowhere, texts)
    return [*base, *more]


class _Wanted(NamedTuple):
    """What makes one of several fonts that have a character the best choice."""

    script: str  # main script of the texts
    region: str  # whose forms of Chinese characters: SC, TC, JP or KR, as font names end
    mono: bool

    @classmethod
    def of(cls, texts: Iterable[str], mono: bool) -> _Wanted:
        counts = count_scripts(texts)
        if counts["Hira"] + counts["Kana"]:
            region = "JP"
        elif counts["Hang"]:
            region = "KR"
        else:
            characters = {c for text in texts for c in text if script_of(c) == "Hani"}
            simplified, traditional = (
                sum(bool(c.encode(code, errors="ignore")) for c in characters) for code in ("gb2312", "big5")
            )
            region = "TC" if traditional > simplified else "SC"
        return cls(max(counts, key=lambda script: counts[script], default=_SYMBOLS), region, mono)

    def rank(self, entry: FontEntry, script: str) -> tuple[object, ...]:
        """Returns the sort key of a font for a script; the best font comes first."""
        name = entry.name
        return (
            _name_part(self.script if script in SHARED else script) not in name,
            script in _CJK and not name.endswith(self.region),
            self.mono != ("Mono" in name),
            "Sans" not in name,
            "Noto" not in name,
            name,
        )


def _name_part(script: str) -> str:
    """Returns the part of a font's name that marks it as one for a script."""
    return "CJK" if script in _CJK else scripts.script_name(script)


class _Fonts:
    """The fonts in matplotlib's list and, once a character is missing, those installed since the list was made."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], dict[str, bool]] = {}  # file and face -> character -> whether it has it
        self._looked_again = False
        self._nowhere: set[str] = set()
        self._told: set[str] = set()

    def lacking(self, base: Sequence[str], characters: Iterable[str]) -> set[str]:
        """Returns the characters that none of the families `base` has."""
        from matplotlib import font_manager

        left = set(characters)
        for family in base:
            found = font_manager.findfont(font_manager.FontProperties(family=[family]))
            left -= self._having((str(found), getattr(found, "face_index", 0)), left)
        return left

    def covering(self, characters: set[str], wanted: _Wanted) -> tuple[list[str], set[str]]:
        """Returns families that together have the characters, and the set of characters that no font has."""
        found: list[str] = []
        left = characters - self._nowhere
        while left:
            script = max({script_of(c) for c in left}, key=lambda s: (s not in SHARED, s))
            part = {c for c in left if script_of(c) == script}
            family, having = self._best(part, left, wanted, script)
            if having:
                found.append(family)
                left -= having
            elif not self._looked_again:
                self._look_again()
            else:
                self._nowhere |= part
                left -= part
        return found, characters & self._nowhere

    def _best(self, part: set[str], left: set[str], wanted: _Wanted, script: str) -> tuple[str, set[str]]:
        """Returns the family that has most of `part`, characters of one script, and all that it has of `left`."""
        family, having = "", set[str]()
        for entry in sorted(_families(), key=lambda entry: wanted.rank(entry, script)):
            face = entry.fname, entry.index
            if len(has := self._having(face, part)) > len(having & part):
                family, having = entry.name, self._having(face, left)
                if has == part:
                    break
        return family, having

    def _having(self, face: tuple[str, int], characters: set[str]) -> set[str]:
        from matplotlib.ft2font import FT2Font

        known = self._known.setdefault(face, {})
        if unknown := characters - known.keys():
            font = FT2Font(face[0], face_index=face[1])
            known.update((c, font.get_char_index(ord(c)) > 0) for c in unknown)
        return {c for c in characters if known[c]}

    def _look_again(self) -> None:
        """Adds fonts installed since matplotlib wrote its list, which it never refreshes."""
        from matplotlib import font_manager

        self._looked_again = True
        before = {entry.fname for entry in font_manager.fontManager.ttflist}
        for path in sorted(set(font_manager.findSystemFonts()) - before):
            try:
                font_manager.fontManager.addfont(path)
            except (OSError, RuntimeError, ValueError):
                continue  # bitmaps, and files that FreeType cannot read: matplotlib skips them, too

    def tell(self, nowhere: set[str], texts: Sequence[str]) -> None:
        """Reports which characters are drawn as boxes, and what to install, once per script."""
        by_script: dict[str, list[str]] = {}
        own = count_scripts(texts)
        for character in sorted(nowhere):
            by_script.setdefault(_needs(character, own), []).append(character)
        new = {script: found for script, found in by_script.items() if script not in self._told}
        if not new:
            return
        self._told |= new.keys()
        what = ", ".join(f"{_title(s)} ({' '.join(found[:_EXAMPLES])})" for s, found in sorted(new.items()))
        debian = " ".join(sorted({_debian(script) for script in new}))
        fedora = " ".join(sorted({_fedora(script) for script in new}))
        line = f"pictures show boxes for {what}: no installed font has these characters; install"
        tqdm.write(f"{line} {debian} (Debian, Ubuntu) or {fedora} (Fedora)", file=sys.stderr)


@functools.cache
def _installed() -> _Fonts:
    return _Fonts()


def _families() -> Iterable[FontEntry]:
    """Returns, for each family, the upright face whose weight is nearest to regular."""
    from matplotlib import font_manager

    found: dict[str, FontEntry] = {}
    for entry in font_manager.fontManager.ttflist:
        if entry.style != "normal" or entry.name.startswith("cm") or any(word in entry.name for word in _UNFIT):
            continue  # "cm": Computer Modern, which has other characters at Unicode's code points
        if entry.name not in found or _weight(entry) < _weight(found[entry.name]):
            found[entry.name] = entry
    return found.values()


def _weight(entry: FontEntry) -> int:
    from matplotlib.font_manager import weight_dict

    return abs((weight_dict[entry.weight] if isinstance(entry.weight, str) else entry.weight) - 400)


def _needs(character: str, own: dict[str, int]) -> str:
    """Returns the script whose package has a character; for a shared one, a script of the text that uses it."""
    script = script_of(character)
    if script not in SHARED:
        return script
    using = scripts.script_extension(character) - set(SHARED)
    if unicodedata.east_asian_width(character) == "F":
        return "Hani"
    return max(using, key=lambda s: (own.get(s, 0), s)) if using else _SYMBOLS


def _title(script: str) -> str:
    return "symbols" if script in SHARED else scripts.script_name(script)


def _debian(script: str) -> str:
    return "fonts-noto-cjk" if script in _CJK else "fonts-symbola" if script in SHARED else "fonts-noto-core"


def _fedora(script: str) -> str:
    if script in SHARED:
        return "gdouros-symbola-fonts"
    name = "cjk" if script in _CJK else scripts.script_name(script).lower().replace(" ", "-")
    return f"google-noto-sans-{name}-fonts"
