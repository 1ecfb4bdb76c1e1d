"""Options of forecasting that contradict each other are refused, and lists in them are read strictly."""

from __future__ import annotations

from typing import Any

import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.config.option_lists import as_markdown
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.config import ForecastingConfig, ForecastModelConfig
from tests.toy import ROOT


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model.calendar": "year,moon"}, "model.calendar must contain some of day, week, year, got 'moon'"),
        ({"model.calendar": "week,week"}, "contains a cycle twice"),
        ({"model.distribution": "quantile", "model.quantiles": "0.5"}, "two or more ascending numbers"),
        ({"model.distribution": "quantile", "model.quantiles": "0.9,0.1"}, "two or more ascending numbers"),
        ({"model.distribution": "quantile", "model.quantiles": "0.1,x"}, "got '0.1,x'"),
        ({"model.distribution": "quantile", "model.quantiles": "0,0.5"}, "between 0 and 1"),
        ({"model.distribution": "quantile", "model.quantiles": "nan,0.5"}, "between 0 and 1"),
        ({"model.distribution": "quantile", "forecast.level": 0.95}, "needs quantiles 0.025 and 0.975"),
        ({"train.label_smoothing": 0.1}, r"train.label_smoothing must be in \[0, 0\]"),
    ],
)
def test_a_contradiction_is_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        load(None, options, ForecastingConfig)
    assert "\n" not in str(caught.value)


def test_an_interval_may_end_at_the_outermost_quantiles() -> None:
    options = {"model.distribution": "quantile", "model.quantiles": "0.05, 0.5,0.95", "forecast.level": 0.9}
    assert load(None, options, ForecastingConfig).config.model.levels == (0.05, 0.5, 0.95)


def test_cycles_are_a_list() -> None:
    assert ForecastModelConfig(calendar="year, day").cycles == ("year", "day")
    assert ForecastModelConfig().cycles == ()


def test_the_table_in_the_docs_has_the_lines_that_the_program_prints() -> None:
    page = (ROOT / "docs" / "forecasting.md").read_text(encoding="utf-8")
    (table,) = [part for part in page.split("\n\n") if part.startswith("| option | default | allowed |")]
    lines, printed = table.strip().split("\n"), as_markdown(ForecastingConfig).strip().split("\n")
    assert set(lines) <= set(printed)
    for section in ("data", "forecast"):
        assert [line for line in printed if f"| `{section}." in line] == [ln for ln in lines if f"| `{section}." in ln]
