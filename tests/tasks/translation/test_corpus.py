"""Text becomes ids on disk and batches without loss; skipped pairs are counted, errors name file and line."""

from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.data.batching import make_batch, pad_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from seq2seq_tf.tasks.translation.config import TranslationDataConfig
from seq2seq_tf.tasks.translation.corpus import Prepared, iter_batches, load_corpus, prepare_corpus
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer, train_piece_model
from tests import toy

NOISE = 0.3


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> SentencePieceTokenizer:
    """A piece model of made-up words that spells everything else as bytes."""
    folder = tmp_path_factory.mktemp("pieces")
    corpus = toy.make_corpus(folder, seed=1, train=211)
    path = str(folder / "pieces.model")
    train_piece_model([str(corpus.train_source)], path, TranslationDataConfig(vocab_size=320), normalization="nmt_nfkc")
    return SentencePieceTokenizer(path)


def write(folder: Path, name: str, lines: list[str] | bytes) -> str:
    path = folder / name
    path.write_bytes(lines if isinstance(lines, bytes) else "".join(f"{line}\n" for line in lines).encode())
    return str(path)


def prepared(
    files: tuple[str, str],
    pieces: SentencePieceTokenizer,
    prefix: Path,
    *,
    max_pieces: int = 128,
    sample_seed: int = -1,
) -> Prepared:
    config = TranslationDataConfig(max_pieces=max_pieces, segmentation_noise=NOISE)
    return prepare_corpus(files, (pieces, pieces), config, str(prefix), sample_seed=sample_seed)


def final_files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.endswith(".tmp")]


@pytest.mark.parametrize("sample_seed", [-1, 3])
def test_text_is_restored_from_the_batches_pair_by_pair(
    tmp_path: Path, pieces: SentencePieceTokenizer, sample_seed: int
) -> None:
    sources = ["ba be", "Ärger, 한국어", "x" * 29, "mu", "ki ki ki"]
    targets = ["be ba", "\U0001f600 no", "lu", "y" * 23, "ni"]
    files = write(tmp_path, "a", sources), write(tmp_path, "b", targets)
    assert prepared(files, pieces, tmp_path / "train", sample_seed=sample_seed)[:3] == (5, 0, 0)
    corpus = load_corpus(str(tmp_path / "train"))
    assert corpus.pairs == 5
    plan = [np.array([3, 1]), np.array([4]), np.array([0, 2])]
    for chosen, batch in zip(plan, iter_batches(corpus, plan), strict=True):
        assert pieces.decode(batch.source) == [sources[n] for n in chosen]
        assert pieces.decode(batch.target_in) == [targets[n] for n in chosen]
        assert pieces.decode(batch.target_out) == [targets[n] for n in chosen]
        for row, n in enumerate(chosen):
            assert (batch.source[row] != PAD_ID).sum() == corpus.source.lengths()[n] + 1
            assert (batch.target_in[row] != PAD_ID).sum() == corpus.target.lengths()[n] + 1
            assert (batch.target_out[row] != PAD_ID).sum() == corpus.target.lengths()[n] + 1


def test_a_batch_has_its_special_ids_in_place() -> None:
    batch = make_batch([[5, 6, 7], [8]], [[9], [10, 11]])
    assert batch.source.tolist() == [[5, 6, 7, EOS_ID], [8, EOS_ID, PAD_ID, PAD_ID]]
    assert batch.target_in.tolist() == [[BOS_ID, 9, PAD_ID], [BOS_ID, 10, 11]]
    assert batch.target_out.tolist() == [[9, EOS_ID, PAD_ID], [10, 11, EOS_ID]]
    assert {array.dtype for array in batch} == {np.dtype(np.int32)}


def test_rows_without_ids_pad_to_nothing_but_special_ids() -> None:
    assert pad_rows([[], []], first=BOS_ID, last=EOS_ID).tolist() == [[BOS_ID, EOS_ID]] * 2
    assert pad_rows([]).shape == (0, 0)


def test_empty_and_too_long_pairs_are_left_out_and_counted(tmp_path: Path, pieces: SentencePieceTokenizer) -> None:
    sources = ["ba", "", "be", "  ", "x" * 50, "bi", "bo"]
    targets = ["da", "de", " ", "", "di", "y" * 50, "do"]
    files = write(tmp_path, "a", sources), write(tmp_path, "b", targets)
    report = prepared(files, pieces, tmp_path / "train", max_pieces=20)
    assert (report.kept, report.empty, report.too_long) == (2, 3, 2)
    for number in "2", "3":
        assert number in str(report)
    corpus = load_corpus(str(tmp_path / "train"))
    (batch,) = iter_batches(corpus, [np.array([0, 1])])
    assert pieces.decode(batch.source) == ["ba", "bo"]
    assert pieces.decode(batch.target_out) == ["da", "do"]


@pytest.mark.parametrize("sample_seed", [-1, 3])
def test_lines_that_their_pieces_do_not_restore_are_counted(
    tmp_path: Path, pieces: SentencePieceTokenizer, sample_seed: int
) -> None:
    files = write(tmp_path, "a", ["ba", "be  bi", "m²"]), write(tmp_path, "b", ["da", "de", "½"])
    report = prepared(files, pieces, tmp_path / "train", sample_seed=sample_seed)
    assert str(report.source) == "2 of 3 lines, the first is line 2: 'be  bi' becomes 'be bi'"
    assert str(report.target) == "1 of 3 lines, the first is line 3: '½' becomes '1⁄2'"


def test_a_pair_of_exactly_max_pieces_is_kept(tmp_path: Path, pieces: SentencePieceTokenizer) -> None:
    text = "x" * 40
    count = len(pieces.encode([text])[0])
    files = write(tmp_path, "a", [text, "ba"]), write(tmp_path, "b", ["ba", "ba"])
    assert prepared(files, pieces, tmp_path / "train", max_pieces=count).kept == 2
    assert prepared(files, pieces, tmp_path / "train", max_pieces=count - 1).too_long == 1


def test_sampled_segmentations_differ_by_seed_and_repeat(tmp_path: Path, pieces: SentencePieceTokenizer) -> None:
    source, target = map(str, toy.make_corpus(tmp_path / "text", seed=2)[:2])
    for name, seed in (("a", 5), ("b", 6), ("c", 5)):
        prepared((source, target), pieces, tmp_path / name, sample_seed=seed)
    a, b, c = (load_corpus(str(tmp_path / name)) for name in "abc")
    assert np.array_equal(a.source.ids, c.source.ids)
    assert np.array_equal(a.target.ids, c.target.ids)
    assert not np.array_equal(a.source.offsets, b.source.offsets)


class ManyPieces:
    """A stub of a piece model with a large vocabulary."""

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size

    def encode(self, texts: list[str], *, threads: int) -> list[list[int]]:
        return [[self.vocab_size - 1 - n for n in range(len(text))] for text in texts]

    def written_back(self, encoded: list[list[int]], *, threads: int) -> list[str]:
        return ["" for _ in encoded]


@pytest.mark.parametrize(("vocab_size", "dtype"), [(65536, np.uint16), (65537, np.int32)])
def test_every_id_of_a_large_vocabulary_fits(tmp_path: Path, vocab_size: int, dtype: type) -> None:
    files = write(tmp_path, "a", ["xyz", "x"]), write(tmp_path, "b", ["x", "xy"])
    prepared(files, ManyPieces(vocab_size), tmp_path / "train")  # type: ignore[arg-type]
    corpus = load_corpus(str(tmp_path / "train"))
    assert corpus.source.ids.dtype == dtype
    assert corpus.source.ids.tolist() == [vocab_size - 1, vocab_size - 2, vocab_size - 3, vocab_size - 1]
    (batch,) = iter_batches(corpus, [np.array([0])])
    assert batch.source.max() == vocab_size - 1


@pytest.mark.parametrize(
    ("source", "target", "parts"),
    [
        (["ba", "be", "bi"], ["da", "de"], ["a has 3 lines", "b has 2 lines"]),
        (["ba"], ["da", "de", "di"], ["a has 1 lines", "b has 3 lines"]),
        (["ba", "be"], b"da\nd\xffe\n", ["b:2", "invalid UTF-8"]),
        (b"", b"", ["a", "b", "no pair"]),
        (["", "ba"], ["da", ""], ["a", "b", "no pair", "2 with an empty side"]),
        (["x" * 500], ["da"], ["no pair", "1 longer", "max_pieces"]),
    ],
)
def test_a_faulty_file_is_named_and_nothing_is_left_behind(
    tmp_path: Path,
    pieces: SentencePieceTokenizer,
    source: list[str] | bytes,
    target: list[str] | bytes,
    parts: list[str],
) -> None:
    files = write(tmp_path, "a", source), write(tmp_path, "b", target)
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(InputError) as caught:
        prepared(files, pieces, folder / "train")
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)
    assert final_files(folder) == []


def test_a_missing_file_is_named_and_an_older_corpus_is_kept(tmp_path: Path, pieces: SentencePieceTokenizer) -> None:
    good = write(tmp_path, "a", ["ba", "be"])
    folder = tmp_path / "data"
    folder.mkdir()
    prepared((good, good), pieces, folder / "train")
    before = load_corpus(str(folder / "train")).source.ids.tolist()
    with pytest.raises(InputError, match="none: no such file"):
        prepared((good, str(tmp_path / "none")), pieces, folder / "train")
    assert load_corpus(str(folder / "train")).source.ids.tolist() == before


@pytest.mark.parametrize("ending", [".source.offsets.npy", ".target.uint16.ids"])
def test_a_corpus_with_a_missing_or_truncated_file_is_refused(
    tmp_path: Path, pieces: SentencePieceTokenizer, ending: str
) -> None:
    text = write(tmp_path, "a", ["ba be", "be"])
    prepared((text, text), pieces, tmp_path / "train")
    damaged = Path(f"{tmp_path / 'train'}{ending}")
    damaged.write_bytes(damaged.read_bytes()[:-2])
    with pytest.raises(InputError, match=str(damaged)):
        load_corpus(str(tmp_path / "train"))
    damaged.unlink()
    with pytest.raises(InputError, match="train"):
        load_corpus(str(tmp_path / "train"))


def test_unknown_characters_are_never_lost_to_unk(pieces: SentencePieceTokenizer) -> None:
    assert all(UNK_ID not in row for row in pieces.encode(["漢字 \U0001f468‍\U0001f469 ﷽"]))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("ending", [".source.uint16.ids.tmp", ".target.uint16.ids.tmp", ".source.offsets.npy.tmp"])
def test_a_full_disk_gives_a_one_line_error_and_keeps_the_old_corpus(
    tmp_path: Path, pieces: SentencePieceTokenizer, ending: str
) -> None:
    old, new = write(tmp_path, "a", ["ba be"]), write(tmp_path, "b", ["bi"] * 3)
    folder = tmp_path / "data"
    folder.mkdir()
    prepared((old, old), pieces, folder / "train")
    Path(f"{folder / 'train'}{ending}").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"train\..*: cannot be written: No space left on device"):
        prepared((new, new), pieces, folder / "train")
    corpus = load_corpus(str(folder / "train"))
    assert corpus.source.ids.tolist() == corpus.target.ids.tolist() == pieces.encode(["ba be"])[0]
