"""Times translation with Marian through pymarian; see decoding.py."""

from __future__ import annotations

from decoding import Request, Translate, measure, timed
from pymarian import Translator


def main() -> None:
    """Times it."""
    request = Request.read()

    def prepare(beam: int, batch: int) -> Translate:
        translator = Translator(
            models=request.model,
            vocabs=["data/vocab.marian.yml"] * 2,
            beam_size=beam,
            cpu_threads=request.threads,
            mini_batch=batch,
            maxi_batch=100 if batch > 1 else 1,
            maxi_batch_sort="src" if batch > 1 else "none",
            normalize=1.0,
            max_length_factor=5,
            quiet=True,
        )
        return timed(lambda sources: translator.translate(list(sources)))

    measure("marian", request, prepare)


if __name__ == "__main__":
    main()
