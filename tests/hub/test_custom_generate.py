"""An ordinary BART writes names of a repository's trie, by `custom_generate`."""

import pytest
import torch
from huggingface_hub import HfApi
from transformers import BartForConditionalGeneration

from angel_hf.text.reading import parse_marked
from tests.hub_clients import MARKED, NAMES

OPTIONS = {"num_beams": 5, "num_return_sequences": 5, "trust_remote_code": True}


pytestmark = pytest.mark.usefixtures("own_modules")


@pytest.fixture
def bart(tiny_directory):
    return BartForConditionalGeneration.from_pretrained(tiny_directory).eval()


@pytest.fixture
def batch(model):
    return model.processor(parse_marked(MARKED))


# Names that become others when transformers makes modules of them.
@pytest.mark.parametrize("name", ["org/angel.v1-2", pytest.param("org/2nd_angel", marks=pytest.mark.slow)])
def test_a_repository_of_any_name_constrains_it_at_any_revision(online, pushed_files, model, bart, batch, name):
    repository = online.create(name)
    repository.put(pushed_files)
    HfApi().create_tag(name, tag="v1")
    repository.put({"trie.safetensors": None})
    expected = model.generate(**batch, num_beams=5, num_return_sequences=5)
    bart.train()
    found = bart.generate(**batch, **OPTIONS, custom_generate=name, revision="v1")
    assert bart.training and bart.model.decoder.training
    bart.eval()
    found = bart.generate(**batch, **OPTIONS, custom_generate=name, revision="v1")
    assert found.tolist() == expected.tolist()
    assert not bart.training
    with torch.no_grad():
        bart.lm_head = torch.nn.Linear(*reversed(bart.lm_head.weight.shape), bias=False)
    changed = bart.generate(**batch, **OPTIONS, custom_generate=name, revision="v1")
    assert changed.tolist() != expected.tolist()
    names = {f" {own.lower()}" for every in NAMES.values() for own in every}
    written = model.processor.tokenizer.batch_decode(changed, skip_special_tokens=True)
    assert all(any(one.endswith(own.replace("-", " ")) for own in names) for one in written)


def test_without_trust_its_code_does_not_run(repository, bart, batch, capfd):
    with pytest.raises(ValueError, match="trust_remote_code"):
        bart.generate(**batch, num_beams=5, custom_generate="org/angel-tiny", trust_remote_code=False)
    assert "[y/N]" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trie.safetensors": None}, "org/angel-tiny has no trie.safetensors; expected a repository with"),
        ({"config.json": b'{"vocab_size": 7}'}, "the model has 8,000 tokens and the names of org/angel-tiny .* with 7"),
    ],
)
def test_what_does_not_fit_is_refused(repository, bart, batch, change, message):
    repository.put(change)
    with pytest.raises(ValueError, match=message):
        bart.generate(**batch, **OPTIONS, custom_generate="org/angel-tiny")
