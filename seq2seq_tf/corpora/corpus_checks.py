"""The checks of a whole part of a corpus; a new check is a function that is added to `CHECKS`."""

from __future__ import annotations

from collections.abc import Callable

from seq2seq_tf.corpora.findings import Finding
from seq2seq_tf.corpora.line_order import check_line_order
from seq2seq_tf.corpora.part_text import PartText
from seq2seq_tf.corpora.side_languages import check_side_languages
from seq2seq_tf.corpora.swapped_sides import check_swapped_sides
from seq2seq_tf.corpora.table_remains import check_table_remains

PartCheck = Callable[[PartText], list[Finding]]

CHECKS: tuple[PartCheck, ...] = (check_side_languages, check_swapped_sides, check_line_order, check_table_remains)
