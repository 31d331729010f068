"""Spelling noise: the ways in which authors change the names of a dictionary."""

from __future__ import annotations

import random
import string


def add_noise(name: str, rng: random.Random) -> str:
    """A normalised name with one or two small changes; never empty."""
    changes = [_typo, _typo, _drop_word, _swap_words, _toggle_plural, _join_words]
    for change in rng.sample(changes, rng.choice((1, 1, 2))):
        name = change(name, rng) or name
    return name


def _typo(name: str, rng: random.Random) -> str:
    """One letter lost, doubled, replaced, or swapped with the next."""
    at = rng.randrange(len(name))
    kind = rng.randrange(4)
    if kind == 0:
        changed = name[:at] + name[at + 1 :]
    elif kind == 1:
        changed = name[: at + 1] + name[at:]
    elif kind == 2:
        changed = name[:at] + rng.choice(string.ascii_lowercase) + name[at + 1 :]
    else:
        changed = name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :]
    return " ".join(changed.split())


def _drop_word(name: str, rng: random.Random) -> str:
    words = name.split(" ")
    if len(words) > 2:
        del words[rng.randrange(len(words))]
    return " ".join(words)


def _swap_words(name: str, rng: random.Random) -> str:
    """The last words moved to the front, as dictionaries invert names: "atrophy muscular" for "muscular atrophy"."""
    words = name.split(" ")
    cut = rng.randrange(len(words))
    return " ".join(words[cut:] + words[:cut])


def _toggle_plural(name: str, rng: random.Random) -> str:
    words = name.split(" ")
    at = rng.choice((len(words) - 1, rng.randrange(len(words))))
    word = words[at]
    words[at] = word[:-1] if word.endswith("s") and len(word) > 3 else word + "s"
    return " ".join(words)


def _join_words(name: str, rng: random.Random) -> str:
    """A space lost, as between a prefix and its word."""
    spaces = [at for at, character in enumerate(name) if character == " "]
    if not spaces:
        return name
    at = rng.choice(spaces)
    return name[:at] + name[at + 1 :]
