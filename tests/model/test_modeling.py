"""The model: linking from text, and the knowledge bases that it links to."""

import inspect

import pytest
from tokenizers import normalizers

from angel_hf import AngelForEntityLinking, AngelProcessor, KnowledgeBase, Linked, Mention
from angel_hf.search import BeamSearch
from angel_hf.search.lookahead import LookaheadDecoder
from tests.exhaustive import score_all_names
from tests.toy import byte_tokenizer, find_names, mention, random_model, word_tokenizer

TOKENIZER = byte_tokenizer()
NAMES = {
    "D1": ["Ataxia", "old ataxia"],
    "D2": ["Wilson Disease", "ataxia", "old"],
    "D3": ["Fever", "old ataxia of the gene", "Q"],
}
MENTIONS = [
    mention(marked)
    for marked in (
        "the old [ataxia] gene", "[q]", "the [gene is old] of the disease", "of the [wilson-disease]", "[fever]",
        "[β-癌 🧬] is fever", "the gene of the old [Ataxia]",
    )
]  # fmt: skip
OWN_NAMES = {"Ataxia", "old ataxia", "Wilson Disease", "old", "Fever", "old ataxia of the gene", "Q"}


@pytest.fixture
def model() -> AngelForEntityLinking:
    model = random_model(TOKENIZER)
    model.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    return model


def assert_same_links(found: list[Linked], expected: list[Linked], tolerance: float = 0.0) -> None:
    assert [linked.mention for linked in found] == [linked.mention for linked in expected]
    for one, other in zip(found, expected, strict=True):
        assert [(c.name, c.concept_ids) for c in one.candidates] == [(c.name, c.concept_ids) for c in other.candidates]
        assert [c.score for c in one.candidates] == pytest.approx([c.score for c in other.candidates], abs=tolerance)


# Linking


def test_links_are_all_names_by_their_score(model):
    """From text to concepts, against every name scored one by one from ids."""
    sources, prefixes = model.processor.encode_mentions(MENTIONS)
    shown = {"Ataxia": ("D1", "D2"), "old ataxia": ("D1",), "Wilson Disease": ("D2",), "old": ("D2",)}
    shown |= {"Fever": ("D3",), "old ataxia of the gene": ("D3",), "Q": ("D3",)}
    for linked, source, prefix in zip(model.link(MENTIONS), sources, prefixes, strict=True):
        expected = score_all_names(model, source, prefix)
        names = [model.knowledge_base.entry_name(hypothesis.name_index) for hypothesis in expected]
        assert [candidate.name for candidate in linked.candidates] == names
        assert {candidate.name: candidate.concept_ids for candidate in linked.candidates} == shown
        scores = [hypothesis.score for hypothesis in expected]
        assert [candidate.score for candidate in linked.candidates] == pytest.approx(scores, abs=1e-5)
        assert linked.best == linked.candidates[0]


def test_one_mention_gives_one_answer_and_a_list_a_list(model):
    linked = model.link(MENTIONS)
    assert [one.mention for one in linked] == MENTIONS
    assert_same_links([model.link(written) for written in MENTIONS], linked, 1e-5)
    assert_same_links(model.link(MENTIONS[:1]), linked[:1], 1e-5)
    assert_same_links(model.link(iter(MENTIONS)), linked)
    assert model.link([]) == []


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_the_order_and_the_size_of_batches_change_nothing(model, batch_size):
    expected = model.link(MENTIONS)
    assert_same_links(model.link(MENTIONS, batch_size=batch_size), expected, 1e-5)
    assert_same_links(model.link(MENTIONS[::-1], batch_size=batch_size)[::-1], expected, 1e-5)


def test_a_mention_that_comes_twice_gets_the_same_answer_twice(model):
    one, other, again = model.link([MENTIONS[0], MENTIONS[3], MENTIONS[0]])
    # Rows of one product may be rounded differently, by where they stand in it.
    assert_same_links([again], [one], 1e-5)
    assert other.candidates != one.candidates


def test_top_k_cuts_the_list(model):
    whole = model.link(MENTIONS)
    for top_k in (1, 3):
        cut = [Linked(linked.mention, linked.candidates[:top_k]) for linked in whole]
        assert_same_links(model.link(MENTIONS, top_k=top_k), cut)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 11}, "top_k=11 with num_beams=10; expected 1 <= top_k <= num_beams"),
        ({"top_k": 0}, "top_k=0 with num_beams=10; expected 1 <= top_k <= num_beams"),
        ({"search": BeamSearch(3)}, "top_k=10 with num_beams=3"),
        ({"batch_size": 0}, "batch_size=0; expected 1 or more"),
    ],
)
def test_widths_that_make_no_sense_are_refused(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.link(MENTIONS, **options)


def test_a_search_for_no_names_is_refused(model):
    with pytest.raises(ValueError, match="top_k=0; expected 1 or more"):
        model.answer(model.questions(MENTIONS), BeamSearch(), top_k=0)


def test_a_string_is_no_mention(model):
    for mentions in ("ataxia", [*MENTIONS, "ataxia"]):
        with pytest.raises(TypeError, match="got the string 'ataxia'; expected a Mention"):
            model.link(mentions)


def test_a_mention_that_does_not_fit_is_refused(model):
    with pytest.raises(ValueError, match="takes 102 tokens with its markers; the encoder reads 62"):
        model.link(Mention("q " * 100, 0, 199))
    with pytest.raises(ValueError, match="mention 1: prefix of 63 tokens leaves no room .* 64 positions"):
        find_names(model, [[0, 2], [0, 2]], [[4], [14] * 62 + [4]])


def test_a_model_without_knowledge_base_or_processor_says_how_to_get_one():
    bare = random_model(TOKENIZER)
    with pytest.raises(RuntimeError, match="no knowledge base to link to; call model.set_knowledge_base"):
        bare.link(MENTIONS)
    bare.processor = None
    for use in (lambda: bare.link(MENTIONS), lambda: bare.set_knowledge_base(KnowledgeBase.from_names(NAMES))):
        with pytest.raises(
            RuntimeError, match=r"no processor; call model.set_processor\(AngelProcessor\(tokenizer\)\)"
        ):
            use()


# Knowledge bases


def test_a_knowledge_base_is_swapped_and_swapped_back(model):
    first, other = model.knowledge_base, KnowledgeBase.from_names({"X": ["gene"], "Y": ["old gene", "gene q"]})
    expected = model.link(MENTIONS)
    model.set_knowledge_base(other)
    assert {candidate.name for candidate in model.link(MENTIONS[0]).candidates} == {"gene", "old gene", "gene q"}
    model.set_knowledge_base(first)
    assert_same_links(model.link(MENTIONS), expected)


@pytest.mark.parametrize("names", [["ataxia"], ["ataxia", "old"], ["old", "old gene", "old gene q", "old gene q a"]])
def test_fewer_names_than_beams_are_all_found(model, names):
    model.set_knowledge_base(KnowledgeBase.from_names({f"C {name}": [name] for name in names}))
    for linked in model.link(MENTIONS):
        assert {candidate.name: candidate.concept_ids for candidate in linked.candidates} == {
            name: (f"C {name}",) for name in names
        }


def test_spellings_are_shown_and_any_script_is_generated(model):
    model.set_knowledge_base(KnowledgeBase.from_names({"C1": ["Sjögren–Larsson"], "C2": ["肝癌", "🧬 Defect", "𝛼-1"]}))
    names = {candidate.name for candidate in model.link(MENTIONS[5]).candidates}
    assert names == {"Sjögren–Larsson", "肝癌", "🧬 Defect", "𝛼-1"}


def test_names_that_the_tokenizer_cannot_tell_apart_share_an_entry_with_all_concepts(tmp_path):
    model = random_model(word_tokenizer())
    names = {"A": ["old xyz", "ataxia"], "B": ["Old uvw"], "C": ["ataxia", "xyz"], "D": ["old-rst", "fever"]}
    model.set_knowledge_base(KnowledgeBase.from_names(names))
    assert model.trie.num_names == model.knowledge_base.num_entries == 4
    model.save_pretrained(tmp_path)
    for linking in (model, AngelForEntityLinking.from_pretrained(tmp_path)):
        linked = linking.link(mention("the [ataxia] gene"))
        assert {candidate.name: candidate.concept_ids for candidate in linked.candidates} == {
            "old xyz": ("A", "B", "D"), "ataxia": ("A", "C"), "xyz": ("C",), "fever": ("D",),
        }  # fmt: skip
        assert linking.knowledge_base.find("old uvw") == linking.knowledge_base.find("old rst") == 0


CHANGES = {
    "names added to a concept and to a new one": {"add": {"D1": ["gene", "Old"], "NEW": ["old gene", "FEVER"]}},
    "names removed": {"remove": {"D1": ["Ataxia"], "D3": ["Q", "old ataxia of the gene"]}},
    "a concept removed": {"remove_concepts": ["D3"]},
    "all at once": {"add": {"D3": ["q q"]}, "remove": {"D2": ["old"]}, "remove_concepts": ["D3"]},
    "nothing left of the old": {"add": {"NEW": ["gene"]}, "remove_concepts": ["D1", "D2", "D3"]},
    "no change": {},
}


def assert_equal_models(one, other):
    assert one.knowledge_base.fingerprint == other.knowledge_base.fingerprint
    assert one.trie.fingerprint == other.trie.fingerprint


@pytest.mark.parametrize("tokenizer", [byte_tokenizer(), word_tokenizer()], ids=["all told apart", "some alike"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_knowledge_base_equals_one_that_is_set_anew(tokenizer, change):
    names = NAMES | {"D4": ["xyz", "old uvw", "Old xyz"]}
    changed, anew = random_model(tokenizer), random_model(tokenizer)
    changed.set_knowledge_base(KnowledgeBase.from_names(names))
    anew.set_knowledge_base(KnowledgeBase.from_names(names).updated(**CHANGES[change])[0])
    changed.update_knowledge_base(**CHANGES[change])
    assert_equal_models(changed, anew)


def test_only_new_names_are_tokenised(model, monkeypatch):
    tokenised = []
    encode = model.processor.encode_names
    monkeypatch.setattr(model.processor, "encode_names", lambda names: tokenised.extend(names) or encode(names))
    model.update_knowledge_base(add={"D1": ["Gene", "ATAXIA"]}, remove={"D3": ["Q"]})
    assert tokenised == ["gene"]
    assert {candidate.name for candidate in model.link(MENTIONS[0]).candidates} == OWN_NAMES - {"Q"} | {"Gene"}


def test_a_change_that_is_refused_leaves_the_old_knowledge_base(model):
    expected = model.link(MENTIONS)
    for change in ({"add": {"LONG": ["q" * 90]}}, {"remove": {"D1": ["absent"]}}):
        with pytest.raises(ValueError, match="takes 91 tokens|has no name 'absent'"):
            model.update_knowledge_base(**change)
        assert_same_links(model.link(MENTIONS), expected)
    with pytest.raises(RuntimeError, match="no knowledge base to change; call model.set_knowledge_base first"):
        random_model(TOKENIZER).update_knowledge_base(add={"D1": ["gene"]})


def test_names_too_long_to_generate_are_left_out_with_a_warning(model, caplog):
    own, expected = model.knowledge_base, model.link(MENTIONS)
    longest = " ".join(["q"] * 61)  # 64 positions less one for a mention's token, " is" and the end token
    for name, tokens in ((f"{longest} q", 62), ("q" * 90, 91)):
        message = f"entry 1: name '{name[:80]}' of concept 'LONG' takes {tokens} tokens; the model can generate 1 to 61"
        caplog.clear()
        model.set_knowledge_base(KnowledgeBase.from_names({"D1": ["ataxia", name], "LONG": [name]}))
        (warning,) = caplog.messages
        assert warning.startswith(message.replace("'LONG'", "'D1'"))
        assert warning.endswith("left out 1 such name, and 1 concepts that have no other")
        assert [concept.names for concept in model.knowledge_base.concepts()] == [("ataxia",)]
    model.set_knowledge_base(own)
    assert_same_links(model.link(MENTIONS), expected)
    with pytest.raises(ValueError, match="takes 62 tokens"):  # nothing would be left
        model.set_knowledge_base(KnowledgeBase.from_names({"LONG": [f"{longest} q"]}))
    assert_same_links(model.link(MENTIONS), expected)
    model.set_knowledge_base(KnowledgeBase.from_names({"LONG": [longest]}))
    assert model.link(MENTIONS[0]).best.name == longest


def test_a_name_without_tokens_is_left_out(caplog):
    tokenizer = word_tokenizer()
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("xyz", "")
    model = random_model(tokenizer)
    model.set_knowledge_base(KnowledgeBase.from_names({"D1": ["ataxia"], "D2": ["XYZ"]}))
    assert model.knowledge_base.num_concepts == model.trie.num_names == 1
    assert "entry 1: name 'xyz' of concept 'D2' takes 0 tokens; the model can generate 1 to 61" in caplog.text


def test_a_tokenizer_of_another_model_is_refused(model):
    with pytest.raises(ValueError, match="the tokenizer has ids up to 273, but the model a vocabulary of 200"):
        random_model(TOKENIZER, vocab_size=200)
    model.set_processor(AngelProcessor(word_tokenizer()))
    assert model.knowledge_base is model.trie is None  # the trie held the other tokenizer's ids
    assert model.config.prefix_end_token_id == 4


def test_names_that_change_while_others_link_are_those_of_one_moment(model, monkeypatch):
    """What is found under one trie is not looked up in another knowledge base."""
    before = model.link(MENTIONS)
    answer = AngelForEntityLinking.answer

    def answer_and_change(self, *questions):
        found = answer(self, *questions)
        model.set_knowledge_base(KnowledgeBase.from_names({"X": ["another name"]}))
        return found

    monkeypatch.setattr(AngelForEntityLinking, "answer", answer_and_change)
    assert_same_links(model.link(MENTIONS), before)
    monkeypatch.undo()
    assert {one.name for linked in model.link(MENTIONS) for one in linked.candidates} == {"another name"}


def test_few_frames_lie_between_a_mention_and_the_decoder(model, monkeypatch):
    """A reader follows a mention from `link` to the decoder in nine calls."""
    frames = set()

    def step(decoder, one):
        found = [frame.filename for frame in inspect.stack(0) if "/angel_hf/" in frame.filename]
        frames.add(len(found))
        return lookahead(decoder, one)

    lookahead = LookaheadDecoder.step
    monkeypatch.setattr(LookaheadDecoder, "step", step)
    model.link(MENTIONS)
    assert frames == {8}, "link, answer, two of batches, four of the search; the decoder is the ninth"
