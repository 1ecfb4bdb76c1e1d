"""How far training has come, and how far it has to go."""

import dataclasses

from seq2seq_tf.config.common import TrainConfig
from seq2seq_tf.training.position import Position

TRAIN = TrainConfig(max_epochs=5, accumulate=3)


def test_the_updates_expected_are_exact_in_the_last_epoch_however_many_batches_it_has() -> None:
    position = Position()
    for epoch, batches in enumerate((7, 10, 6, 9, 4)):
        for left in range(batches, 0, -3):
            expected = position.expected(batches, TRAIN)
            position = position.after_update(min(left, 3))
        assert position.batch == batches
        position = position.next_epoch()
        assert position == (position.update, epoch + 1, 0, position.batches)
    assert expected == position.update == 3 + 4 + 2 + 3 + 2
    assert position.batches == 7 + 10 + 6 + 9 + 4


def test_no_more_updates_are_expected_than_are_allowed() -> None:
    for most, expected in ((0, 15), (14, 14), (16, 15)):
        assert Position().expected(7, dataclasses.replace(TRAIN, max_updates=most)) == expected
