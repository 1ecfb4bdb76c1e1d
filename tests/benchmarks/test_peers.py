"""The comparison with other toolkits reads their logs, computes ratios and refuses bad arguments in one line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks.peers.prepare_pieces import vocabularies
from benchmarks.peers.table import print_training, ratios, read_rounds
from benchmarks.peers.training_log import READERS, main

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "peers.sh"
LOGS = {  # two blocks of ten updates each, 2 s and 1,000 tokens/s
    "onmttf": """2026-01-01 10:00:00.000000: I runner.py:310] Step = 10 ; steps/s = 5.00, tokens/s = 1900 (900 source, 1000 target) ; Loss = 6.8
2026-01-01 10:00:02.000000: I runner.py:310] Step = 20 ; steps/s = 5.00, tokens/s = 1900 (900 source, 1000 target) ; Loss = 6.8
""",  # noqa: E501 - as the log has it
    "onmtpy": """[2026-01-01 10:00:00,000 INFO] Step 10/20; acc: 4.6; ppl: 900.1; xent: 8.7; lr: 0.00100; sents: 9; bsz:  190/ 200/ 7; 950/1000 tok/s;     2 sec;
[2026-01-01 10:00:02,000 INFO] Step 20/20; acc: 4.6; ppl: 900.1; xent: 8.7; lr: 0.00100; sents: 9; bsz:  190/ 200/ 7; 950/1000 tok/s;     4 sec;
""",  # noqa: E501
    "joey": """2026-01-01 09:59:58,000 - INFO - joeynmt.training - EPOCH 1
2026-01-01 10:00:00,000 - INFO - joeynmt.training - Epoch 1, Step:       10, Batch Loss:     6.8, Tokens per Sec:     1000, Lr: 0.001
2026-01-01 10:00:02,000 - INFO - joeynmt.training - Epoch 1, Step:       20, Batch Loss:     6.8, Tokens per Sec:     1000, Lr: 0.001
""",  # noqa: E501
    "marian": """[2026-01-01 10:00:00] Ep. 1 : Up. 10 : Sen. 700 : Cost 8.9 * 2,000 @ 200 after 2,000 : Time 2.00s : 1000.00 words/s
[2026-01-01 10:00:02] Ep. 1 : Up. 20 : Sen. 1,400 : Cost 8.9 * 2,000 @ 200 after 4,000 : Time 2.00s : 1,000.00 words/s
""",  # noqa: E501
}


@pytest.mark.parametrize("peer", sorted(READERS))
def test_speed_is_read_from_the_log_without_the_warm_up(peer: str, tmp_path: Path) -> None:
    log, peak, out = (tmp_path / name for name in ("log", "peak.json", "out.json"))
    log.write_text(LOGS[peer])
    peak.write_text('{"peak_mib": 7.0}')
    assert main(peer, str(log), str(peak), 10, 10, str(out)) == 0
    found = json.loads(out.read_text())
    assert found["target_tokens_per_s"] == pytest.approx(1000.0)
    assert found["target_tokens_per_update"] == pytest.approx(200.0)
    assert (found["seconds"], found["updates"], found["peak_mib"]) == (2.0, 10, 7.0)


def test_a_log_without_updates_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    log.write_text(LOGS["joey"])
    assert main("joey", str(log), "", 20, 10, "") == 2
    assert capsys.readouterr().err.startswith(f"error: {log}: no updates after the first 20")


def test_ratios_are_to_ours_at_float32_and_to_the_best_peer() -> None:
    rates = {
        ("ours", "float32"): 30.0,
        ("ours", "bfloat16"): 60.0,
        ("joey", "float32"): 5.0,
        ("onmtpy", "float32"): 20.0,
    }
    assert list(ratios(rates).values()) == [("1.00", "1.50"), ("2.00", "3.00"), ("0.17", "0.25"), ("0.67", "1.00")]


def test_rounds_of_a_program_become_one_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, (program, rate) in enumerate([("joey", 10.0), ("ours", 30.0), ("joey", 20.0), ("ours", 60.0)]):
        result = {"program": program, "precision": "float32", "target_tokens_per_s": rate}
        result |= {"target_tokens_per_update": 7, "peak_mib": 1024.0}
        (tmp_path / f"{number}.{program}.json").write_text(json.dumps(result))
    print_training(read_rounds(str(tmp_path)))
    ours, joey = capsys.readouterr().out.splitlines()[2:4]
    assert ours == "| **seq2seq_tf** | float32 | 30 / 60 | 45 | 1.00 | 3.00 | 7 | 1.00 GiB |"
    assert joey == "| JoeyNMT 2.3.0 | float32 | 10 / 20 | 15 | 0.33 | 1.00 | 7 | 1.00 GiB |"


def test_every_vocabulary_has_all_pieces_after_its_special_words() -> None:
    made = vocabularies(["▁a", '"'])
    assert made["vocab.joey"].split() == ["<unk>", "<pad>", "<s>", "</s>", "▁a", '"']
    assert made["vocab.onmtpy"].split() == ["▁a", '"']
    assert made["vocab.onmttf"].split() == ["<blank>", "<s>", "</s>", "▁a", '"']
    assert made["vocab.marian.yml"].splitlines()[2:] == ['"▁a": 2', '"\\"": 3']


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "expected two arguments"),
        (["walk", "{folder}"], "unknown command walk"),
        (["train", "{folder}", "--rounds"], "unexpected argument --rounds"),
        (["train", "{folder}", "--speed=3"], "unknown option --speed"),
        (["train", "{folder}", "--peers=fairseq"], "--peers: fairseq: expected"),
        (["train", "{folder}", "--rounds=x"], "x: expected a whole number"),
        (["train", "{folder}"], "pieces.model: no such file; run benchmarks/peers.sh setup"),
        (["decode", "{folder}"], "pieces.model: no such file; run benchmarks/peers.sh setup"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    command = [str(SCRIPT), *(argument.format(folder=tmp_path) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
