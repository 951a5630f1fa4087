"""Any English words, of which generated names and texts are made up so that no value is learnt by heart."""

from __future__ import annotations

import re
from functools import lru_cache

from interlock.lam.candidates import option_of
from interlock.lam.encoder import tokenizer
from interlock.lam.mentions import find_mentions
from interlock.lam.wordings.lexicon import read_lexicon


@lru_cache(maxsize=1)
def any_words() -> tuple[str, ...]:
    """Whole words of the encoder's vocabulary that are no mention and no option of the shipped actions.

    The words of the held-out names and texts are left out, so that measuring meets none of them here.
    """
    measured = {
        word
        for pool in read_lexicon("heldout").pools.values()
        for word in re.findall(r"[a-z]+", " ".join(pool).lower())
    }
    known = sorted(tokenizer().get_vocab().items(), key=lambda pair: pair[1])
    plain = [
        word for word, place in known if place > 1995 and word.isascii() and word.isalpha() and 3 <= len(word) <= 11
    ]
    kinds = ("customer", "order", "invoice", "EUR", "USD", "GBP", "CHF")
    return tuple(
        word
        for word in plain
        if word not in measured
        and not {mention.kind for mention in find_mentions(word)} - {"name"}
        and option_of(word, kinds) is None
    )
