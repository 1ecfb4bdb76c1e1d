"""The batch plan contains every pair once, respects its limits and depends only on its arguments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_tf.data.batching import (
    Plan,
    batches_by_length,
    for_each_batch,
    make_batch,
    pad_batch,
    plan_chunks,
    plan_epoch,
    round_up,
    token_batches,
)

LENGTHS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=150)
SIZES = {"batch_tokens": 53, "pool_pairs": 31}


def lengths(pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns random lengths of source and target sentences."""
    random = np.random.default_rng(seed)
    return random.integers(1, 23, pairs).astype(np.int32), random.integers(1, 19, pairs).astype(np.int32)


def plan(source: np.ndarray, target: np.ndarray, *, seed: int = 5, epoch: int = 0, **sizes: int) -> Plan:
    return plan_epoch(source, target, seed=seed, epoch=epoch, **{**SIZES, **sizes})


def same(first: Plan, second: Plan) -> bool:
    return len(first.batches) == len(second.batches) and all(map(np.array_equal, first.batches, second.batches))


@given(pairs=LENGTHS, batch_tokens=st.integers(1, 200), pool_pairs=st.integers(1, 170), seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_every_pair_is_in_one_batch_within_the_limit(
    pairs: list[tuple[int, int]], batch_tokens: int, pool_pairs: int, seed: int
) -> None:
    source, target = np.array(pairs, np.int32).T
    found = plan(source, target, seed=seed, batch_tokens=batch_tokens, pool_pairs=pool_pairs)
    assert sorted(np.concatenate(found.batches).tolist()) == list(range(len(pairs)))
    for batch in found.batches:
        longest = max(source[batch].max(), target[batch].max())
        assert len(batch) == 1 or len(batch) * longest <= batch_tokens


@given(pairs=LENGTHS)
@settings(max_examples=30, deadline=None)
def test_the_reported_padding_is_correct(pairs: list[tuple[int, int]]) -> None:
    source, target = np.array(pairs, np.int32).T
    found = plan(source, target)
    places = sum(len(b) * (int(source[b].max()) + int(target[b].max())) for b in found.batches)
    assert found.padding == pytest.approx(1 - (source.sum() + target.sum()) / places)


def test_a_batch_has_no_room_for_the_next_pair_of_its_pool() -> None:
    source, target = lengths(211, 0)
    found = plan(source, target, pool_pairs=211)  # one pool: sorting by (target, source) restores its order
    batches = sorted(found.batches, key=lambda b: (target[b[0]], source[b[0]]))
    for batch, following in zip(batches, batches[1:], strict=False):
        joined = [*batch, following[0]]
        assert len(joined) * max(source[joined].max(), target[joined].max()) > SIZES["batch_tokens"]


def test_a_pair_longer_than_the_limit_is_a_batch_of_its_own() -> None:
    source, target = lengths(41, 1)
    source[7], target[11] = 500, 300
    alone = [b.tolist() for b in plan(source, target).batches if len(b) == 1]
    assert [7] in alone
    assert [11] in alone


def test_the_same_arguments_give_the_same_plan_and_are_not_changed() -> None:
    source, target = lengths(101, 2)
    before = source.copy(), target.copy()
    np.random.seed(1)  # the global generator must not matter
    first = plan(source, target, epoch=3)
    np.random.seed(2)
    assert same(first, plan(source, target, epoch=3))
    assert np.array_equal(source, before[0])
    assert np.array_equal(target, before[1])


def test_epochs_and_seeds_differ_in_their_batches_and_not_only_in_order() -> None:
    source, target = lengths(101, 3)
    sets = [
        {tuple(sorted(b.tolist())) for b in plan(source, target, seed=seed, epoch=epoch).batches}
        for seed, epoch in ((5, 0), (5, 1), (6, 0))
    ]
    assert sets[0] != sets[1]
    assert sets[0] != sets[2]


def test_batches_are_not_ordered_by_length() -> None:
    source, target = lengths(997, 4)
    longest = [int(target[b].max()) for b in plan(source, target, pool_pairs=997).batches]
    steps = np.sign(np.diff(longest))
    assert (steps > 0).sum() > 0.2 * len(steps)
    assert (steps < 0).sum() > 0.2 * len(steps)


def test_a_larger_pool_gives_less_padding() -> None:
    source, target = lengths(2003, 5)
    paddings = [plan(source, target, pool_pairs=size, batch_tokens=200).padding for size in (10, 100, 1000)]
    assert paddings == sorted(paddings, reverse=True)


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_workers_share_the_batches_evenly_and_disjointly(workers: int) -> None:
    found = plan(*lengths(173, 6))
    shares = [found.for_worker(worker, workers) for worker in range(workers)]
    assert len({len(share) for share in shares}) == 1
    assert len(found.batches) - sum(map(len, shares)) < workers
    pairs = np.concatenate([batch for share in shares for batch in share])
    assert len(np.unique(pairs)) == len(pairs)


def test_more_workers_than_batches_get_none() -> None:
    found = plan(np.array([2]), np.array([3]))
    assert [len(found.for_worker(worker, 2)) for worker in (0, 1)] == [0, 0]


@pytest.mark.parametrize(("multiple", "full_at", "shape"), [(1, 0, (3, 4, 6)), (4, 0, (3, 4, 8)), (4, 47, (5, 4, 8))])
def test_more_padding_rounds_lengths_up_and_fills_the_batch(
    multiple: int, full_at: int, shape: tuple[int, int, int]
) -> None:
    batch = make_batch([[5, 6, 7], [8], [9, 5]], [[4], [5, 6, 7, 8, 9], [7, 7]])
    padded = pad_batch(batch, multiple=multiple, full_at=full_at)
    rows, source, target = shape
    assert [array.shape for array in padded] == [(rows, source), (rows, target), (rows, target)]
    for more, array in zip(padded, batch, strict=True):
        assert more.dtype == array.dtype
        np.testing.assert_array_equal(more[:3, : array.shape[1]], array)
        assert more.sum() == array.sum()  # the rest is PAD, 0


def test_rounded_lengths_and_full_batches_leave_few_shapes() -> None:
    source, target = lengths(2000, 3)
    multiple, tokens = 8, 320
    padded = [round_up(side, multiple) for side in (source, target)]
    assert all((p >= s).all() and (p - s < multiple).all() for p, s in zip(padded, (source, target), strict=True))
    shapes, real = set(), 0
    found = plan(*padded, batch_tokens=tokens, pool_pairs=500)
    for chosen in found.batches:
        sides = [[np.ones(side[n] - 1, np.int32) for n in chosen] for side in (source, target)]
        batch = pad_batch(make_batch(*sides), multiple=multiple, full_at=tokens)
        shapes.add((*batch.source.shape, batch.target_in.shape[1]))
        assert batch.source.shape[0] * max(batch.source.shape[1], batch.target_in.shape[1]) <= tokens
        real += batch.source.shape[0]
    assert len(shapes) <= 9  # three lengths on each side
    assert len(source) > 0.85 * real  # few rows are padding


@given(lengths=st.lists(st.integers(0, 90), max_size=60), most=st.integers(1, 100))
@settings(max_examples=60, deadline=None)
def test_batches_contain_every_sequence_once_within_the_limit(lengths: list[int], most: int) -> None:
    found = list(batches_by_length(lengths, most))
    assert sorted(n for batch in found for n in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(lengths[n] for n in batch) <= most or not lengths[batch[0]]


@given(lengths=st.lists(st.integers(0, 90), max_size=60), most=st.integers(1, 100))
@settings(max_examples=60, deadline=None)
def test_batches_of_texts_leave_out_empty_ones_and_count_eos(lengths: list[int], most: int) -> None:
    found = list(token_batches(lengths, most))
    assert sorted(n for batch in found for n in batch) == [n for n, length in enumerate(lengths) if length]
    for batch in found:
        assert len(batch) == 1 or len(batch) * (max(lengths[n] for n in batch) + 1) <= most
    by_length = [lengths[n] for batch in found for n in batch]
    assert by_length == sorted(by_length, reverse=True)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_each_batch_is_processed_once(count: int) -> None:
    done: list[list[int]] = []
    for_each_batch(done.append, ([n] for n in range(count)))
    assert sorted(done) == [[n] for n in range(count)]


def test_an_error_in_a_batch_is_raised() -> None:
    def fail(batch: list[int]) -> None:
        raise ValueError(batch)

    for batches in ([[1]], [[1], [2]]):
        with pytest.raises(ValueError, match="1"):
            for_each_batch(fail, batches)


def test_chunks_follow_each_other_to_the_end() -> None:
    assert plan_chunks(17, 7) == [(0, 7), (7, 14), (14, 17)]
    assert plan_chunks(7, 7) == [(0, 7)]
