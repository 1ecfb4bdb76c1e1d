"""Times translation with OpenNMT-py and weights converted from OpenNMT-tf; see decoding.py."""

from __future__ import annotations

import os

os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # its checkpoints contain more than tensors

import torch
from decoding import TEST, Request, Translate, measure, timed
from onmt.inference_engine import InferenceEnginePY
from onmt.opts import translate_opts
from onmt.utils.parse import ArgumentParser


def engine(model: str, beam: int, batch: int) -> InferenceEnginePY:
    """Returns OpenNMT-py's engine with the options of the comparison."""
    parser = ArgumentParser()
    translate_opts(parser)
    arguments = {
        "model": model,
        "src": TEST,
        "output": "runs/onmtpy.out",
        "beam_size": beam,
        "batch_size": batch,
        "batch_type": "sents",
        "max_length": 80,
        "length_penalty": "avg",
        "gpu": -1,
    }
    options = parser.parse_args([word for name, value in arguments.items() for word in (f"-{name}", str(value))])
    ArgumentParser.validate_translate_opts(options)
    ArgumentParser._get_all_transform_translate(options)
    ArgumentParser._validate_transforms_opts(options)
    ArgumentParser.validate_translate_opts_dynamic(options)
    made = InferenceEnginePY(options)
    # With global_attention mlp OpenNMT-py leaves out the tanh on the attention vector that the shared weights expect.
    attention = made.translator.model.decoder.attn
    attention.linear_out = torch.nn.Sequential(attention.linear_out, torch.nn.Tanh())
    return made


def main() -> None:
    """Times it."""
    request = Request.read()
    torch.set_num_threads(request.threads)

    def prepare(beam: int, batch: int) -> Translate:
        made = engine(request.model, beam, batch)
        return timed(lambda sources: [best[0] for best in made.infer_list(list(sources))[1]])

    measure("onmtpy", request, prepare)


if __name__ == "__main__":
    main()
