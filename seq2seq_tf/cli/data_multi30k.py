"""seq2seq-data fetch-multi30k: 31,000 image captions in German, English, French and Czech."""

from __future__ import annotations

import datetime
import hashlib
import http.client
import itertools
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from absl import flags

from seq2seq_tf.cli import program
from seq2seq_tf.cli.flag_types import define_output, define_path
from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import Pair, iter_pairs, iter_raw_lines, write_corpus

# The branch, not a commit: the checksums below (computed at commit a3d2e0d) pin what is downloaded.
BASE_URL = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"
LANGUAGES = ("cs", "de", "en", "fr")
PARTS = {"train": "train", "valid": "val", "test_2016_flickr": "test_2016_flickr"}  # name here: published name
SHA256 = {  # of the text, not of the .gz files; not known for Czech and French
    "train.de": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
    "train.en": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
    "valid.de": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
    "valid.en": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
    "test_2016_flickr.de": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
    "test_2016_flickr.en": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
}
TIMEOUT_S = 30

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    flags.DEFINE_enum("source", "de", LANGUAGES, "Language of the sources.")
    flags.DEFINE_enum("target", "en", LANGUAGES, "Language of the targets.")
    define_output("out", None, "Folder to write [default: data/multi30k_SOURCE_TARGET].", folder=True)
    define_path("from_folder", None, "Folder from which the files are taken instead of being downloaded.")
    flags.DEFINE_string("base_url", BASE_URL, "URL to download from, for example of a mirror.")


def main() -> None:
    """Gets the six files, checks them and writes the corpus."""
    languages = FLAGS.source, FLAGS.target
    if languages[0] == languages[1]:
        raise InputError(f"--source and --target are both {languages[0]!r}")
    folder = Path(FLAGS.out or f"data/multi30k_{languages[0]}_{languages[1]}")
    check_output(str(folder), folder=True)
    with tempfile.TemporaryDirectory(prefix="multi30k_") as temporary:
        files = {
            (part, language): local_file(Path(FLAGS.from_folder), part, language)
            if FLAGS.from_folder
            else downloaded_file(Path(temporary), part, language)
            for part in PARTS
            for language in languages
        }
        rows = [(f"{part}.{language}", *checked(path, part, language)) for (part, language), path in files.items()]
        table = format_table(["file", "lines", "text"], rows)
        labelled = itertools.chain.from_iterable(
            labelled_pairs(name, files[part, languages[0]], files[part, languages[1]])
            for name, part in [*zip(PARTS, PARTS, strict=True), ("test", "test_2016_flickr")]
        )
        write_corpus(folder, languages, [*PARTS, "test"], labelled, readme(table))
    print(f"{table}\nwritten to {folder}: {{train,valid,test_2016_flickr,test}}.{{{','.join(languages)}}}")


def labelled_pairs(name: str, source: Path, target: Path) -> Iterator[tuple[str, Pair]]:
    """Returns the pairs of two files, each with the name of its part."""
    return ((name, pair) for pair in iter_pairs(source, target))


def local_file(folder: Path, part: str, language: str) -> Path:
    """Returns PART.LANGUAGE in a folder, under the name used here or the published one, plain or .gz.

    Raises:
      InputError: there is no such file.
    """
    names = [f"{name}.{language}{end}" for name in (part, PARTS[part]) for end in ("", ".gz")]
    found = [folder / name for name in names if (folder / name).is_file()]
    if not found:
        raise InputError(f"{folder / names[0]}: no such file (nor {', '.join(dict.fromkeys(names[1:]))})")
    return found[0]


def downloaded_file(temporary: Path, part: str, language: str) -> Path:
    """Downloads one .gz file and returns its path.

    Raises:
      InputError: the download failed.
    """
    name = f"{PARTS[part]}.{language}.gz"
    url = f"{FLAGS.base_url.rstrip('/')}/{name}"
    print(f"downloading {url}", flush=True)
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            (temporary / name).write_bytes(response.read())
    except (OSError, ValueError, http.client.HTTPException) as error:  # URLError is an OSError
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"{url}: cannot be downloaded ({reason}); get the files another way and use --from_folder"
        ) from None
    return temporary / name


def checked(path: Path, part: str, language: str) -> tuple[int, str]:
    """Returns the number of lines, and whether the text is the published one.

    Raises:
      InputError: a downloaded text differs from the published one.
    """
    digest = hashlib.sha256()
    lines = 0
    for line in iter_raw_lines(path):
        digest.update(line + b"\n")
        lines += 1
    expected = SHA256.get(f"{part}.{language}")
    if expected is None:
        return lines, "no checksum known"
    if digest.hexdigest() == expected:
        return lines, "as published"
    if not FLAGS.from_folder:
        raise InputError(f"{FLAGS.base_url}: {path.name} is not the published text (SHA-256 {digest.hexdigest()})")
    return lines, "differs from the published text"


def readme(table: str) -> str:
    """Returns the content of README.txt."""
    return (
        "Multi30k, task 1, raw: image captions, one per line; line N of one language\n"
        "translates line N of the other.\n\n"
        f"source:   {FLAGS.from_folder or FLAGS.base_url}\n"
        "licence:  no licence file; derived from Flickr30k: research use\n"
        "paper:    Elliott, Frank, Sima'an and Specia 2016, Multi30K: Multilingual English-German Image\n"
        "          Descriptions\n"
        f"made:     {datetime.date.today()} by seq2seq-data fetch-multi30k\n\n{table}\n"
    )


COMMAND = program.Command(
    "fetches Multi30k, 31,000 image captions in German, English, French and Czech: the standard small benchmark",
    define_flags,
    main,
    """
    seq2seq-data fetch-multi30k --source=de --target=en --out=data/multi30k_de_en
    seq2seq-data fetch-multi30k --source=de --target=en --from_folder=FOLDER

    By default, the raw text of task 1 is downloaded from the public repository of the project and compared with known
    checksums (German and English). --from_folder takes the files from a folder: train.de, valid.de (or val.de),
    test_2016_flickr.de and the same for the other language, plain or .gz; a table shows which differ from the published
    ones.

    Writes OUT/{train,valid,test_2016_flickr,test}.{de,en} (test is a copy of test_2016_flickr) and OUT/README.txt.
    The text has no licence file and is derived from Flickr30k: use it for research.
    """,
)
