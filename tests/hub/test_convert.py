"""Repositories laid out as the authors of the method published theirs: BART weights and configuration, no more."""

import json

import pytest
import torch
from safetensors import safe_open
from transformers import BartForConditionalGeneration
from typer.testing import CliRunner

from angel_hf import AngelForEntityLinking, Mention
from angel_hf.cli import app
from tests.hub_clients import NAMES

MENTION = Mention("ataxia", 0, 6)
# Entries of the published configurations that this package must not take over, or must not trip on.
PUBLISHED = {
    "architectures": ["BartForConditionalGeneration"],
    "_name_or_path": "facebook/bart-large",
    "forced_eos_token_id": 2,
    "gradient_checkpointing": False,
    "num_beams": 4,
    "no_repeat_ngram_size": 3,
    "transformers_version": "4.36.2",
    "torch_dtype": "float32",
}


@pytest.fixture(params=["bin", pytest.param("safetensors", marks=pytest.mark.slow)])
def published(request, online, tiny_directory, tmp_path):
    """`authors/ANGEL_ncbi`: config.json, generation_config.json and weights with every tied key written out."""
    model = BartForConditionalGeneration.from_pretrained(tiny_directory)
    config = json.loads((tiny_directory / "config.json").read_text()) | PUBLISHED
    files = {"config.json": json.dumps(config).encode(), ".gitattributes": b"*.bin filter=lfs\n"}
    if request.param == "bin":
        state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        assert {"model.shared.weight", "model.encoder.embed_tokens.weight", "lm_head.weight"} <= set(state)
        torch.save(state, tmp_path / "pytorch_model.bin")
        files["pytorch_model.bin"] = (tmp_path / "pytorch_model.bin").read_bytes()
    else:
        files["model.safetensors"] = (tiny_directory / "model.safetensors").read_bytes()
    online.create("authors/ANGEL_ncbi").put(files)
    return model


@pytest.fixture
def names(tmp_path):
    path = tmp_path / "target_kb.json"
    path.write_text(json.dumps({concept: [name.lower() for name in own] for concept, own in NAMES.items()}))
    return path


def convert(*arguments):
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def test_a_published_repository_becomes_one_that_links(published, online, names, tiny_directory, tmp_path):
    result = convert(
        "authors/ANGEL_ncbi", "--knowledge-base", names, "--tokenizer", tiny_directory,
        "--push-to-hub", "org/angel-ncbi", "--output", tmp_path / "converted",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    repository = online.repository("org/angel-ncbi")
    assert not any(path.endswith((".bin", ".pkl", ".pt")) for path in repository.files)
    loaded = AngelForEntityLinking.from_pretrained("org/angel-ncbi").eval()
    direct = AngelForEntityLinking.from_pretrained(
        "authors/ANGEL_ncbi", knowledge_base=names, tokenizer=tiny_directory
    ).eval()
    assert loaded.link(MENTION) == direct.link(MENTION)
    assert loaded.config.forced_eos_token_id is None
    assert loaded.knowledge_base.normalization == "lowercase"


def test_keys_shapes_types_and_numbers_stay(published, names, tiny_directory, tmp_path):
    out = tmp_path / "converted"
    result = convert("authors/ANGEL_ncbi", "--knowledge-base", names, "--tokenizer", tiny_directory, "-o", out)
    assert result.exit_code == 0, result.output
    state = published.state_dict()
    with safe_open(out / "model.safetensors", framework="pt") as file:
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    tied = {"lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"}
    assert set(state) - set(kept) <= tied
    for name, tensor in kept.items():
        assert tensor.dtype == state[name].dtype
        assert torch.equal(tensor, state[name]), name


def test_licensed_names_are_not_pushed_unless_told(published, online, tiny_directory, tmp_path):
    names = tmp_path / "target_kb.json"
    names.write_text(json.dumps({"C0004134": ["ataxia"], "C0009375": ["colon cancer"]}))
    arguments = ("authors/ANGEL_ncbi", "--knowledge-base", names, "--tokenizer", tiny_directory)
    pushed = (*arguments, "--push-to-hub", "org/angel-mm")
    refused = convert(*pushed)
    assert refused.exit_code == 2
    assert "holds names of UMLS Metathesaurus, and the licence of the UMLS" in refused.output.replace("\n", " ")
    assert "--names withhold` push concept ids and a recipe" in refused.output.replace("\n", " ")
    assert ("models", "org/angel-mm") not in online.repositories
    assert convert(*arguments, "--output", tmp_path / "converted").exit_code == 0
    assert convert(*pushed, "--names", "publish").exit_code == 0
    assert "knowledge_base.safetensors" in online.repository("org/angel-mm").files


def test_a_push_whose_connection_breaks_off_is_one_line(published, online, names, tiny_directory, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    online.fail("POST", "/commit/", hang_up=True, times=100)
    result = convert(
        "authors/ANGEL_ncbi", "--knowledge-base", names, "--tokenizer", tiny_directory, "--push-to-hub", "org/a"
    )
    assert result.exit_code == 2, repr(result.exception)
    assert "error: the connection to the Hub broke off" in result.output
    assert online.repository("org/a").files == {}


def test_half_precision_stays_half_precision(online, tiny_directory, names, tmp_path):
    half = BartForConditionalGeneration.from_pretrained(tiny_directory, dtype=torch.float16)
    half.save_pretrained(tmp_path / "half")
    out = tmp_path / "converted"
    result = convert(tmp_path / "half", "--knowledge-base", names, "--tokenizer", tiny_directory, "-o", out)
    assert result.exit_code == 0, result.output
    with safe_open(out / "model.safetensors", framework="pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F16"}  # noqa: SIM118


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nowhere to write to; expected --output FOLDER or --push-to-hub OWNER/NAME"),
        (["--output", "out"], "no tokenizer found in authors/ANGEL_ncbi; name one"),
        (["--output", "out", "--revision", "v9"], "revision 'v9' of authors/ANGEL_ncbi is not there"),
        (["--output", "."], "there is something already; expected a new or empty folder"),
    ],
)
def test_what_cannot_be_converted_is_refused(published, names, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = convert("authors/ANGEL_ncbi", "--knowledge-base", names, *arguments)
    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_a_pickle_bomb_does_not_go_off(online, names, tiny_directory, tmp_path):
    mark = tmp_path / "it-went-off"

    class Bomb:
        def __reduce__(self):
            return open, (str(mark), "w")

    torch.save({"model.shared.weight": Bomb()}, tmp_path / "bomb.bin")
    config = (tiny_directory / "config.json").read_bytes()
    # Larger than its own size, so that it is not refused for that.
    bomb = (tmp_path / "bomb.bin").read_bytes()
    online.create("authors/bomb").put({"config.json": config, "pytorch_model.bin": bomb + bytes(4_000_000)})
    result = convert("authors/bomb", "--knowledge-base", names, "--tokenizer", tiny_directory, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert not mark.exists()
    assert not (tmp_path / "out").exists()
