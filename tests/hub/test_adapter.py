"""A LoRA repository loads with its base, its base's names, and the base's revision that it was trained on."""

import json

import pytest
import torch
from huggingface_hub import HfApi
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSeq2SeqLM, pipeline

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention
from tests.exhaustive import score_all_names
from tests.hub_clients import NAMES
from tests.toy import find_names

MENTIONS = [Mention("Mutations cause ataxia", 16, 22), Mention("colon cancer", 0, 12)]
# Every linear layer of BART, the head too.
TARGETS = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2", "lm_head"]


@pytest.fixture
def adapter(repository, online, tmp_path):
    """An adapter in `org/angel-lora`, made on the base as it was before its main branch moved on."""
    base = AngelForEntityLinking.from_pretrained("org/angel-tiny")
    torch.manual_seed(0)
    tuned = get_peft_model(base, LoraConfig(r=4, target_modules=TARGETS, init_lora_weights=False, revision=None))
    tuned.peft_config["default"].base_model_name_or_path = "org/angel-tiny"
    tuned.peft_config["default"].revision = repository.head.oid
    tuned.save_pretrained(tmp_path / "adapter")
    HfApi().create_repo("org/angel-lora")
    HfApi().upload_folder(repo_id="org/angel-lora", folder_path=tmp_path / "adapter")
    expected = tuned.eval().base_model.model.link(MENTIONS)
    moved = AngelForEntityLinking.from_pretrained("org/angel-tiny")
    moved.model.shared.weight.data.mul_(1.5)
    moved.set_knowledge_base(KnowledgeBase.from_names({"C1": ["Fever"]}))
    moved.push_to_hub("org/angel-tiny")
    return expected


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert [c.name for c in one.candidates] == [c.name for c in other.candidates]
        assert [c.score for c in one.candidates] == pytest.approx([c.score for c in other.candidates], abs=1e-6)


def test_an_adapter_loads_with_its_base_at_the_revision_it_names(adapter, model):
    loaded = AngelForEntityLinking.from_pretrained("org/angel-lora").eval()
    assert_same(loaded.link(MENTIONS), adapter)
    assert loaded.knowledge_base.fingerprint == model.knowledge_base.fingerprint
    # It is the adapter that speaks, and not the base.
    scores = [[c.score for c in linked.candidates] for linked in model.link(MENTIONS)]
    assert [[c.score for c in linked.candidates] for linked in loaded.link(MENTIONS)] != scores


def test_the_search_reads_the_adapter_as_the_whole_model_does(adapter):
    loaded = AngelForEntityLinking.from_pretrained("org/angel-lora").eval()
    encoder_ids, prefix_ids = loaded.processor.encode_mentions(MENTIONS)
    found = find_names(loaded, encoder_ids, prefix_ids, num_beams=loaded.trie.num_names)
    for source, prefix, hypotheses in zip(encoder_ids, prefix_ids, found):
        every = score_all_names(loaded, source, prefix)
        assert [h.name_index for h in hypotheses] == [h.name_index for h in every]
        assert [h.score for h in hypotheses] == pytest.approx([h.score for h in every], abs=1e-5)


def test_peft_loads_it_over_the_base(adapter, repository):
    base = AngelForEntityLinking.from_pretrained("org/angel-tiny", revision=repository.head.parent.oid)
    tuned = PeftModel.from_pretrained(base, "org/angel-lora").eval()
    assert_same(tuned.link(MENTIONS), adapter)


def test_the_auto_class_and_the_pipeline_load_it(adapter):
    auto = AutoModelForSeq2SeqLM.from_pretrained("org/angel-lora").eval()
    assert_same(auto.link(MENTIONS), adapter)
    answer = pipeline("entity-linking", model="org/angel-lora", device="cpu")("[[colon cancer]]")
    assert [c["name"] for c in answer[0]["candidates"]] == [c.name for c in adapter[1].candidates]


def test_another_knowledge_base_can_be_given(adapter):
    names = KnowledgeBase.from_names(NAMES | {"D1": ["Fever"]})
    loaded = AngelForEntityLinking.from_pretrained("org/angel-lora", knowledge_base=names)
    assert loaded.knowledge_base.num_concepts == len(NAMES) + 1


def test_an_adapter_that_names_no_base_says_so(adapter, online):
    lora = online.repository("org/angel-lora")
    config = json.loads(lora.files["adapter_config.json"]) | {"base_model_name_or_path": None}
    lora.put({"adapter_config.json": json.dumps(config).encode()})
    with pytest.raises(ValueError, match="adapter_config.json: names no base_model_name_or_path; expected the model"):
        AngelForEntityLinking.from_pretrained("org/angel-lora")


def test_an_adapter_of_an_adapter_is_refused(adapter, online):
    """Of itself it would load for ever."""
    online.repository("org/angel-lora").change_json(
        "adapter_config.json", base_model_name_or_path="org/angel-lora", revision=None
    )
    with pytest.raises(ValueError, match="org/angel-lora: changes org/angel-lora, which is an adapter itself"):
        AngelForEntityLinking.from_pretrained("org/angel-lora")


@pytest.mark.parametrize("values", [{"r": 10**9}, {"rank_pattern": {"q_proj": 10**9}}])
def test_a_rank_that_the_file_cannot_fill_takes_no_memory(adapter, online, values):
    online.repository("org/angel-lora").change_json("adapter_config.json", **values)
    with pytest.raises(ValueError, match="asks for a rank of 1,000,000,000, but adapter_model.safetensors has"):
        AngelForEntityLinking.from_pretrained("org/angel-lora")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("adapter_config.json", b"{", "adapter_config.json: not JSON"),
        ("adapter_config.json", b"[]", "adapter_config.json: holds list where an object was expected"),
        ("adapter_model.safetensors", b"\xff" * 64, "adapter_model.safetensors: not a readable safetensors file"),
    ],
)
def test_a_damaged_adapter_is_named(adapter, online, name, content, message):
    online.repository("org/angel-lora").put({name: content})
    with pytest.raises(ValueError, match=message):
        AngelForEntityLinking.from_pretrained("org/angel-lora")


def test_a_pickled_adapter_never_runs(adapter, online, tmp_path):
    """Weights of an adapter may come as adapter_model.bin."""
    mark = tmp_path / "it-went-off"

    class Bomb:
        def __reduce__(self):
            return open, (str(mark), "w")

    torch.save({"weight": Bomb()}, tmp_path / "bomb.bin")
    online.repository("org/angel-lora").put(
        {"adapter_model.safetensors": None, "adapter_model.bin": (tmp_path / "bomb.bin").read_bytes()}
    )
    with pytest.raises(ValueError, match="org/angel-lora: its weights are a pickle of more than tensors"):
        AngelForEntityLinking.from_pretrained("org/angel-lora")
    assert not mark.exists()


def test_without_peft_the_error_names_it(adapter, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    monkeypatch.setattr("transformers.integrations.peft.is_peft_available", lambda *_: False)
    with pytest.raises(ImportError, match="adapters need peft: pip install peft"):
        AngelForEntityLinking.from_pretrained("org/angel-lora")
