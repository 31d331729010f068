"""One long text costs what its pieces cost, in memory and in time."""

import random
import subprocess
import sys

import pytest

from angel_hf import AngelForEntityLinking, KnowledgeBase
from angel_hf.annotation import dictionary, expansion
from angel_hf.annotation.annotator import Annotator
from angel_hf.types import Linked
from tests.conftest import SAMPLE

NAMES = {"D1": ["Wilson disease"], "D2": ["breast cancer"], "D3": ["ovarian cancer"], "D4": ["anemia"]}
MENTIONS = ("WD", "anaemia", "breast and ovarian cancer", "Wilson disease")
DEFINITION = "Wilson disease (WD) is rare. "
FILLER = ("patients", "were", "followed", "for", "years", "and", "the", "findings", "at", "that", "time", "differ")


def piece(rng, characters):
    """A definition, and a mention every 1,600 characters or so in words that are no names."""
    words, length = [DEFINITION], len(DEFINITION)
    while length < characters - 30:
        word = rng.choice(FILLER) if rng.random() > 0.005 else rng.choice(MENTIONS)
        words.append(word)
        length += len(word) + 1
    return " ".join(words).ljust(characters - 2, "x") + ".\n"


def pieces(count, characters):
    rng = random.Random(count)
    return [piece(rng, characters) for _ in range(count)]


class Encoding:
    """A model that reads its mentions and says nothing of them; what its tokenizer was given is counted."""

    allowed_concepts = confidence = None

    def __init__(self):
        self.knowledge_base = KnowledgeBase.from_names(NAMES)
        self.processor = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny").processor
        self.tokenized = 0
        tokenize = self.processor._tokenize
        self.processor._tokenize = lambda texts, **options: tokenize(self._counted(texts), **options)

    def _counted(self, texts):
        self.tokenized += sum(map(len, texts))
        return texts

    def link(self, mentions, top_k, search, batch_size, context_tokens):
        self.processor.encode_mentions(mentions, context_tokens)
        return [Linked(mention, ()) for mention in mentions]


def test_the_work_for_a_long_text_is_that_for_its_pieces(monkeypatch):
    """In characters that are tokenised, searched for abbreviations, and folded."""
    searched = []
    for module in (dictionary, expansion):
        find = module.find_abbreviations
        monkeypatch.setattr(
            module, "find_abbreviations", lambda text, find=find: [searched.append(len(text)), *find(text)][1:]
        )
    parts = pieces(20, 5_000)
    work = []
    for texts in (parts, ["".join(parts)]):
        searched.clear()
        model = Encoding()
        found = Annotator(model, context_tokens=64).annotate(texts)
        read_as = [one.read_as for of_text in found for one in of_text]
        work.append((read_as, model.tokenized, sum(searched)))
    (apart, tokenized_apart, searched_apart), (whole, tokenized_whole, searched_whole) = work
    assert whole == apart and {"Wilson disease", "anaemia", "ovarian cancer"} == {*whole} - {"breast cancer"}
    assert searched_whole == searched_apart == 2 * 100_000  # by the detector, and to write out
    assert tokenized_whole < 1.3 * tokenized_apart


@pytest.mark.parametrize("mentions", [1, 40])
def test_what_is_tokenized_for_a_mention_does_not_grow_with_its_text(mentions):
    def per_mention(copies):
        model = Encoding()
        text = DEFINITION + ("the " * 4_000 + "WD and ") * mentions + "the " * (20_000 * copies)
        model.tokenized = 0
        (found,) = Annotator(model).annotate([text])
        assert len(found) == mentions + 2
        return model.tokenized / len(found)

    assert per_mention(copies=4) == per_mention(copies=1)


SCRIPT = """
import resource, sys
from angel_hf import AngelForEntityLinking, KnowledgeBase
from tests.annotation.test_long_text import NAMES, pieces
model = AngelForEntityLinking.from_pretrained("angel-mini").eval()
model.set_knowledge_base(KnowledgeBase.from_names(NAMES))
model.annotate("anaemia")
parts = pieces(500, 2_000)
before = resource.getrusage(resource.RUSAGE_SELF)
found = model.annotate(parts if sys.argv[1] == "apart" else "".join(parts))
after = resource.getrusage(resource.RUSAGE_SELF)
mentions = sum(map(len, found)) if sys.argv[1] == "apart" else len(found)
# Not ru_maxrss, which starts from that of the process that started this one.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(mentions, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(peak) / 2**20)
"""


def measured(how):
    """Mentions, CPU seconds and GiB of a process of its own."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True)
    mentions, seconds, memory = done.stdout.split()
    return int(mentions), float(seconds), float(memory)


@pytest.mark.slow
def test_a_megabyte_in_one_text_costs_what_it_costs_in_500_pieces():
    apart, seconds_apart, _ = measured("apart")
    whole, seconds_whole, memory = measured("whole")
    assert whole == apart > 1_000
    assert memory < 1
    assert seconds_whole < 1.3 * seconds_apart, f"{seconds_whole:.1f} s in one text, {seconds_apart:.1f} s in pieces"
