"""A search option is a leaf of the configuration and code in search/; nothing between them names it.

Adding one to the Python API, the programs and the SavedModel changes its leaf, search/, its test and a line of docs.
"""

from __future__ import annotations

import ast
import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from seq2seq_tf.cli import search_flags
from seq2seq_tf.cli.program import Command
from seq2seq_tf.cli.programs import defined
from seq2seq_tf.config.common import SWITCH, Range, SearchConfig, option
from seq2seq_tf.config.option_lists import as_markdown
from seq2seq_tf.config.search import search_leaves, with_search
from seq2seq_tf.data.batching import pad_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.search.limits import LengthRule
from seq2seq_tf.search.options import SearchOptions
from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.translation.config import TranslationConfig, TranslationSearchConfig
from seq2seq_tf.tasks.translation.served import ServedIds, fixed_options, served_options
from seq2seq_tf.tasks.translation.translator import Translator
from tests.test_imports import modules
from tests.toy import sentences

OPTIONS = {*SearchOptions._fields, *LengthRule._fields}
SIZES = {"beam_size", "n_best"}  # callers use these: they determine the size of the result
# Configuration and search; flags with other meanings in the corpus programs; words that people confuse with others.
HOMES = ("config.", "search.", "tasks.translation.config", "tasks.captioning.config", "cli.data", "hints")


def names_in(tree: ast.Module) -> set[str]:
    """Returns every name and constant of the code, without comments and docstrings."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.arg | ast.keyword):
            found.add(str(node.arg))
        elif isinstance(node, ast.Constant):
            found.add(str(node.value))
    return found


@pytest.mark.parametrize("name", sorted(OPTIONS - SIZES))
def test_no_code_between_the_configuration_and_the_search_names_an_option(name: str) -> None:
    places = {module.partition(".")[2] for module, tree in modules().items() if name in names_in(tree)}
    assert not {place for place in places if not place.startswith(HOMES)}
    assert {place.split(".")[0] for place in places} >= {"config", "search"} or name in LengthRule._fields


def test_every_scalar_of_the_search_is_an_option_and_so_is_every_input_of_a_saved_model() -> None:
    assert set(SearchOptions._fields) == set(search_leaves(SearchConfig))
    leaves = search_leaves(TranslationSearchConfig)
    assert set(LengthRule._fields) <= set(leaves)
    inputs = {name for name, leaf in leaves.items() if leaf.served}
    assert inputs <= OPTIONS
    assert set(served_options(TranslationSearchConfig())) == inputs
    assert set(fixed_options(TranslationSearchConfig())) == OPTIONS - inputs


@dataclasses.dataclass(frozen=True)
class WithOneMore(TranslationSearchConfig):
    """The code needed to add an option."""

    thrift: float = option(0.5, "an option of this test", Range(0, 3), served=Range(0, 1))


@dataclasses.dataclass(frozen=True)
class ConfigWithOneMore(TranslationConfig):
    search: WithOneMore = WithOneMore()


def test_a_leaf_is_enough_for_an_argument_a_flag_an_input_and_a_line_of_docs() -> None:
    assert with_search(WithOneMore(), {"thrift": 2}).thrift == 2.0
    with pytest.raises(InputError, match=r"thrift: search\.thrift must be in \[0, 3\], got 4"):
        with_search(WithOneMore(), {"thrift": 4})
    with defined(Command("", lambda: search_flags.define(ConfigWithOneMore), lambda: 0)):
        flags.FLAGS(["seq2seq-translate", "--thrift=0.25"])
        assert search_flags.given(ConfigWithOneMore) == {"thrift": 0.25}
    added = served_options(WithOneMore())["thrift"]
    assert (*added, added.dtype) == (0.5, 0.0, 1.0, "an option of this test", tf.float32)
    assert "| `search.thrift` | `0.5` | 0 to 3; SavedModel: 0 to 1 | an option" in as_markdown(ConfigWithOneMore)


@dataclasses.dataclass(frozen=True)
class WithMoreInputs(TranslationSearchConfig):
    """Two options that otherwise have the values of the run in a SavedModel."""

    early_stop: bool = option(False, "stop", served=SWITCH)
    max_extra: int = option(10, "pieces", Range(1, 10_000), served=Range(1, 50))


def test_a_leaf_is_enough_for_an_input_of_the_saved_model_that_works_as_in_python(
    translator: Translator,
) -> None:
    search = WithMoreInputs(**vars(translator.config.search))
    changed = dataclasses.replace(translator.config, search=search)
    served = ServedIds(Translator(translator.model, translator.source, translator.target, changed))
    function = served.signatures()["serving_default"]
    texts = [" ".join(words) for words in sentences(7, seed=5)]
    source = pad_rows(translator.source.encode(texts), last=EOS_ID)
    for options in ({}, {"max_extra": 1, "max_ratio": 0.3}, {"early_stop": True, "length_penalty": 3.0}):
        found = function(tf.constant(source), **{name: tf.constant(value) for name, value in options.items()})
        expected = translator.search_ids(source, translator.search_options(**options))
        np.testing.assert_array_equal(found["tokens"], expected.tokens)
        np.testing.assert_allclose(found["scores"], expected.scores, rtol=1e-4)
    assert function.experimental_get_tracing_count() == 1
