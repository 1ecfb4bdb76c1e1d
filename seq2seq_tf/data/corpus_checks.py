"""The checks of a whole part of a corpus; a new one is written as a function and named here."""

from __future__ import annotations

from collections.abc import Callable

from seq2seq_tf.data.findings import Finding
from seq2seq_tf.data.line_order import check_line_order
from seq2seq_tf.data.part_text import PartText
from seq2seq_tf.data.side_languages import check_side_languages
from seq2seq_tf.data.swapped_sides import check_swapped_sides
from seq2seq_tf.data.table_remains import check_table_remains

PartCheck = Callable[[PartText], list[Finding]]

CHECKS: tuple[PartCheck, ...] = (check_side_languages, check_swapped_sides, check_line_order, check_table_remains)
