"""What a model is loaded from and saved to, and what is refused."""

import json
import shutil

import pytest
import torch
from safetensors import safe_open
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    AutoProcessor,
    BartConfig,
    BartForConditionalGeneration,
)

from angel_hf import AngelConfig, AngelForEntityLinking, AngelProcessor, KnowledgeBase, NameTrie
from angel_hf.knowledge_base.stored_knowledge_base import KNOWLEDGE_BASE_FILE
from angel_hf.model.saved_names import OPTIONAL_FILES
from angel_hf.trie.stored_trie import TRIE_FILE
from tests.conftest import SAMPLE
from tests.model.test_modeling import MENTIONS, NAMES, OWN_NAMES, TOKENIZER, assert_same_links
from tests.toy import CONCEPTS, SMALL, WORDS, byte_tokenizer, random_model


@pytest.fixture
def model() -> AngelForEntityLinking:
    model = random_model(TOKENIZER)
    model.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    return model


# Our own directories


@pytest.fixture
def saved(model, tmp_path):
    model.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_saved_and_loaded_links_the_same(model, saved, tmp_path):
    loaded = AngelForEntityLinking.from_pretrained(saved)
    assert_same_links(loaded.link(MENTIONS), model.link(MENTIONS))
    assert loaded.knowledge_base.fingerprint == model.knowledge_base.fingerprint
    loaded.save_pretrained(tmp_path / "again")
    assert_same_links(AngelForEntityLinking.from_pretrained(tmp_path / "again").link(MENTIONS), model.link(MENTIONS))
    loaded.save_pretrained(saved)  # over the files that it has open
    assert_same_links(AngelForEntityLinking.from_pretrained(str(saved)).link(MENTIONS), model.link(MENTIONS))


def test_a_model_without_knowledge_base_is_saved_and_given_one_later(tmp_path, model):
    random_model(TOKENIZER).save_pretrained(tmp_path)
    loaded = AngelForEntityLinking.from_pretrained(tmp_path)
    assert loaded.knowledge_base is None
    loaded.set_knowledge_base(model.knowledge_base)
    assert_same_links(loaded.link(MENTIONS), model.link(MENTIONS))


def test_nothing_of_another_model_stays_beside_one_that_is_saved_over_it(model, saved):
    files = [saved / name for name in OPTIONAL_FILES]
    for file in files:
        file.touch()
    model.save_pretrained(saved)
    assert {file.name for file in files if file.is_file()} == {KNOWLEDGE_BASE_FILE, TRIE_FILE}
    assert_same_links(AngelForEntityLinking.from_pretrained(saved).link(MENTIONS), model.link(MENTIONS))
    random_model(TOKENIZER).save_pretrained(saved)
    assert AngelForEntityLinking.from_pretrained(saved).knowledge_base is None


def test_another_knowledge_base_may_be_named(model, saved, tmp_path):
    other = KnowledgeBase.from_names({"X": ["gene"], "Y": ["old gene"]}, "lowercase")
    other.save(tmp_path / "other")
    (tmp_path / "target_kb.json").write_text('{"X": ["gene"], "Y": ["old gene"]}')
    model.set_knowledge_base(other)
    for given in (other, tmp_path / "other", str(tmp_path / "target_kb.json")):
        loaded = AngelForEntityLinking.from_pretrained(saved, knowledge_base=given)
        assert_same_links(loaded.link(MENTIONS), model.link(MENTIONS))


def test_the_auto_classes_load_it(model, saved):
    assert type(AutoConfig.from_pretrained(saved)) is AngelConfig
    assert type(AutoProcessor.from_pretrained(saved)) is AngelProcessor
    loaded = AutoModelForSeq2SeqLM.from_pretrained(saved)
    assert type(loaded) is AngelForEntityLinking
    assert_same_links(loaded.link(MENTIONS), model.link(MENTIONS))


def test_loading_info_comes_as_from_transformers(saved):
    loaded, info = AngelForEntityLinking.from_pretrained(saved, output_loading_info=True)
    assert loaded.knowledge_base is not None
    assert not info["missing_keys"] and not info["unexpected_keys"]


def test_weights_stored_in_half_precision_load_as_float32(saved, tmp_path):
    half = AngelForEntityLinking.from_pretrained(saved, dtype=torch.float16)
    half.save_pretrained(tmp_path / "half")
    with safe_open(tmp_path / "half" / "model.safetensors", "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16}  # noqa: SIM118 (not a dict)
    loaded = AngelForEntityLinking.from_pretrained(tmp_path / "half")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    for name, value in half.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value.float(), rtol=0, atol=0)
    assert len(loaded.link(MENTIONS[0]).candidates) == 7


@pytest.mark.parametrize("name", ["dtype", "torch_dtype"])
def test_another_precision_may_be_asked_for(saved, name):
    assert AngelForEntityLinking.from_pretrained(saved, **{name: torch.bfloat16}).dtype == torch.bfloat16


def test_the_saved_processor_s_settings_stay_with_another_tokenizer(tmp_path):
    model = random_model(TOKENIZER)
    model.set_processor(AngelProcessor(TOKENIZER, "q", "t", "{mention} of", "as-is", 32))
    model.save_pretrained(tmp_path)
    loaded = AngelForEntityLinking.from_pretrained(tmp_path, tokenizer=byte_tokenizer(WORDS[::-1])).processor
    settings = (loaded.mention_start, loaded.mention_end, loaded.prefix_template, loaded.normalization)
    assert (*settings, loaded.max_source_length) == ("q", "t", "{mention} of", "as-is", 32)
    assert loaded.encode_names(["is"]) == [[17]]


def test_pushing_while_saving_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match=r"uploads only a part; use model.push_to_hub\(repo_id\)"):
        model.save_pretrained(tmp_path, push_to_hub=True)


# Files that do not belong together


def assert_healed_by_a_new_trie(saved, names, **options):
    with pytest.raises(ValueError, match=f"{saved}.*safetensors.*rebuild_trie=True"):
        AngelForEntityLinking.from_pretrained(saved, **options)
    healed = AngelForEntityLinking.from_pretrained(saved, rebuild_trie=True, **options)
    assert {candidate.name for candidate in healed.link(MENTIONS[0]).candidates} == names
    healed.save_pretrained(saved)
    again = AngelForEntityLinking.from_pretrained(saved)
    assert_same_links(again.link(MENTIONS), healed.link(MENTIONS))


def test_another_knowledge_base_in_its_place_is_refused(saved):
    KnowledgeBase.from_names({"X": ["gene"], "Y": ["old gene"]}).save(saved)
    assert_healed_by_a_new_trie(saved, {"gene", "old gene"})


def test_another_trie_in_its_place_is_refused(saved):
    NameTrie.from_sequences([[9], [8, 9]]).save(saved)
    assert_healed_by_a_new_trie(saved, OWN_NAMES)


def test_a_trie_of_another_tokenizer_is_refused(saved):
    assert_healed_by_a_new_trie(saved, OWN_NAMES, tokenizer=byte_tokenizer(WORDS[::-1]))


# Plain BART checkpoints


@pytest.fixture
def plain(tmp_path):
    """What a BART's own `save_pretrained` writes; its defaults of 2020, forced tokens and all, are in the files."""
    torch.manual_seed(0)
    config = BartConfig(**SMALL, vocab_size=len(TOKENIZER), forced_bos_token_id=0, forced_eos_token_id=2)
    BartForConditionalGeneration(config).save_pretrained(tmp_path / "bart")
    return tmp_path / "bart"


def test_a_plain_bart_links_with_a_tokenizer_and_a_knowledge_base_named_apart(plain, tmp_path):
    TOKENIZER.save_pretrained(tmp_path / "tokenizer")
    knowledge_base = KnowledgeBase.from_names(NAMES)
    knowledge_base.save(tmp_path / "kb")
    bart = BartForConditionalGeneration.from_pretrained(plain)
    linked = []
    for tokenizer, given in ((TOKENIZER, knowledge_base), (tmp_path / "tokenizer", str(tmp_path / "kb"))):
        model = AngelForEntityLinking.from_pretrained(plain, tokenizer=tokenizer, knowledge_base=given)
        assert (model.config.model_type, model.config.forced_eos_token_id) == ("angel", None)
        assert model.processor.max_source_length == 64
        assert model.state_dict().keys() == bart.state_dict().keys()
        for name, value in bart.state_dict().items():
            torch.testing.assert_close(model.state_dict()[name], value, rtol=0, atol=0)
        linked.append(model.link(MENTIONS))
    assert_same_links(linked[0], linked[1])
    assert {candidate.name for candidate in linked[0][0].candidates} == OWN_NAMES
    model.save_pretrained(tmp_path / "ours")
    assert_same_links(AngelForEntityLinking.from_pretrained(tmp_path / "ours").link(MENTIONS), linked[0])


def test_the_layout_of_the_published_weights(tmp_path):
    """Weights and configurations of an older transformers, without tokenizer or knowledge base."""
    reference = SAMPLE / "reference" / "tiny"
    for file in ("config.json", "generation_config.json", "model.safetensors"):
        shutil.copy(reference / file, tmp_path)
    knowledge_base = KnowledgeBase.from_concepts(CONCEPTS)
    whole = AngelForEntityLinking.from_pretrained(reference, knowledge_base=knowledge_base)
    model, info = AngelForEntityLinking.from_pretrained(
        tmp_path, tokenizer=reference, knowledge_base=knowledge_base, output_loading_info=True
    )
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    assert_same_links(model.link(MENTIONS), whole.link(MENTIONS))


def test_a_missing_tokenizer_is_told_with_the_call_to_make(plain, tmp_path):
    for source, tokenizer in ((plain, None), ("absent/tokenizer", "absent/tokenizer"), (plain, plain)):
        with pytest.raises(OSError) as error:
            AngelForEntityLinking.from_pretrained(plain, tokenizer=tokenizer, knowledge_base=tmp_path)
        assert str(error.value) == (
            f"no tokenizer found in {source}; name one, as in "
            f"from_pretrained('{plain}', tokenizer='facebook/bart-large', ...)"
        )


@pytest.mark.parametrize("values", [{"model_type": "t5"}, {}])
def test_another_kind_of_model_is_refused(plain, values):
    (plain / "config.json").write_text(json.dumps(values))
    found = values.get("model_type")
    with pytest.raises(
        ValueError, match=f"{plain}: model type {found!r}; expected 'angel', or 'bart' for a plain BART"
    ):
        AngelForEntityLinking.from_pretrained(plain, tokenizer=TOKENIZER)
