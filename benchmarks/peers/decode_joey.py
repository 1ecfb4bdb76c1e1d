"""Times translation with JoeyNMT and weights converted from OpenNMT-tf; see decoding.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from decoding import Request, Translate, Translated, measure, timed
from joeynmt.config import load_config, parse_global_args
from joeynmt.prediction import predict
from joeynmt.prediction import prepare as prepare_model


def use_shared_weights(model: Any, data: Any, checkpoint: str) -> None:
    """Changes JoeyNMT's model so that it computes the function that OpenNMT-tf trained.

    A bias on the output layer; the encoder's cell state handed to the decoder (JoeyNMT copies h into c); no end
    symbol on the source.
    """
    old = model.decoder.output_layer
    new = torch.nn.Linear(old.in_features, old.out_features)
    new.weight = old.weight
    new.bias = torch.nn.Parameter(torch.load(checkpoint, weights_only=False)["extra_output_bias"])
    model.decoder.output_layer = new
    final: dict[str, Any] = {}
    model.encoder.rnn.register_forward_hook(lambda module, inputs, output: final.update(state=output[1]))
    model.decoder._init_hidden = lambda encoder_final=None: tuple(
        torch.cat([x[0], x[1]], 1).unsqueeze(0) for x in final["state"]
    )
    encode = data.sequence_encoder[data.src_lang]
    data.sequence_encoder[data.src_lang] = lambda sequence, bos=False, eos=True: encode(sequence, bos=bos, eos=False)


def main() -> None:
    """Times it."""
    request = Request.read()
    torch.set_num_threads(request.threads)
    config = load_config(Path("configs/joey.yaml"))
    config["testing"]["load_model"] = request.model
    arguments = parse_global_args(config, rank=0, mode="translate")
    model, _, _, data = prepare_model(arguments, rank=0, mode="translate")
    use_shared_weights(model, data, request.model)

    def prepare(beam: int, batch: int) -> Translate:
        options = arguments.test._replace(beam_size=beam, batch_size=batch, batch_type="sentence", eval_metrics=[])

        def fill_and_predict(sources: Any) -> Translated:
            data.reset_cache()
            for source in sources:
                data.set_item(source)
            return timed(
                lambda _: predict(
                    model=model,
                    data=data,
                    compute_loss=False,
                    device=arguments.device,
                    rank=0,
                    n_gpu=0,
                    normalization="none",
                    num_workers=0,
                    args=options,
                    autocast=arguments.autocast,
                )[2]
            )(sources)

        return fill_and_predict

    measure("joey", request, prepare)


if __name__ == "__main__":
    main()
