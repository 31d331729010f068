import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from transformers import BertConfig, BertModel, BertTokenizerFast

from angel_hf import KnowledgeBase, Linked, Mention
from eval_harness.example import Query
from eval_harness.prediction_file import write_predictions
from eval_harness.predictors import Angel, Bm25, CharacterTfidf, Dense, ExactMatch, FromFile, Memory
from eval_harness.predictors.parse import model_of, parse_predictor
from eval_harness.predictors.predictor import Predictor
from eval_harness.protocol import LENIENT
from eval_harness.task import Task
from tests.conftest import SAMPLE
from tests.eval_harness.toy import CHRONIC, COLD, COLOUR, Scripted, answer, example, origin


def answers_of(
    predictor: Predictor, knowledge_base: KnowledgeBase, surfaces: Sequence[str], training=()
) -> list[Linked]:  # type: ignore[no-untyped-def]
    mentions = [Mention(surface, 0, len(surface)) for surface in surfaces]
    predictor.prepare(knowledge_base, training, [Query(one, "1") for one in mentions])
    return list(predictor.predict(mentions))


def test_exact_match_normalises_and_is_silent_about_the_rest(knowledge_base: KnowledgeBase) -> None:
    found = answers_of(ExactMatch(), knowledge_base, ["Common-Cold", "coryzas", "COLD"])
    assert [linked.mention.surface for linked in found] == ["Common-Cold", "COLD"]
    assert [linked.candidates[0].concept_ids for linked in found] == [(COLD,), (CHRONIC, COLD)]


def test_memory_ranks_what_it_saw_by_frequency(knowledge_base: KnowledgeBase) -> None:
    training = [example("a cold", CHRONIC), example("A-cold", COLD), example("a cold", COLD), example("fog", COLOUR)]
    (linked,) = answers_of(Memory(), knowledge_base, ["A COLD", "coryza"], training)
    assert [candidate.concept_ids for candidate in linked.candidates] == [(COLD,), (CHRONIC,)]
    assert [candidate.score for candidate in linked.candidates] == pytest.approx([2 / 3, 1 / 3])


def test_tfidf_ranks_names_by_shared_trigrams(knowledge_base: KnowledgeBase) -> None:
    found = answers_of(
        CharacterTfidf(top_k=2, block_size=1), knowledge_base, ["coryzas", "daltonian", "zzz", "coryzas"]
    )
    assert [linked.best and linked.best.name for linked in found] == ["coryza", "daltonism", None, "coryza"]
    assert all(len(linked.candidates) <= 2 for linked in found)


def test_tfidf_gives_an_exact_name_a_cosine_of_1_and_breaks_ties_by_order() -> None:
    # The same trigrams in the same numbers.
    knowledge_base = KnowledgeBase.from_names({"B": ["abc xyz"], "A": ["xyz abc"], "C": ["other"]})
    (linked,) = answers_of(CharacterTfidf(top_k=1), knowledge_base, ["xyz abc"])
    assert linked.candidates[0].concept_ids == ("B",)
    assert linked.candidates[0].score == pytest.approx(1.0)


def test_bm25_scores_as_its_formula_says(knowledge_base: KnowledgeBase) -> None:
    names = [name.split() for name in knowledge_base.entry_names()]
    average = sum(map(len, names)) / len(names)
    having = Counter(word for name in names for word in set(name))

    def score(query: list[str], name: list[str]) -> float:
        total = 0.0
        for word in query:
            rarity = math.log(1 + (len(names) - having[word] + 0.5) / (having[word] + 0.5))
            count = name.count(word)
            total += rarity * count / (count + 1.2 * (1 - 0.75 + 0.75 * len(name) / average))
        return total

    (linked, silent) = answers_of(Bm25(), knowledge_base, ["Chronic cold", "coryzas"])
    assert silent.candidates == ()
    found = {candidate.name.lower(): candidate.score for candidate in linked.candidates}
    expected = {" ".join(name): score(["chronic", "cold"], name) for name in names}
    assert found == pytest.approx({name: value for name, value in expected.items() if value > 0}, abs=1e-5)
    assert list(found) == sorted(found, key=lambda name: -found[name])


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A tiny encoder that only the transformers library wrote, as SapBERT's checkpoint is."""
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "cold",
        "common",
        "coryza",
        "chronic",
        "daltonism",
        "disease",
    ]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "encoder")
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    BertModel(config).save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


def test_a_dense_encoder_finds_the_name_itself_first(encoder: Path, knowledge_base: KnowledgeBase) -> None:
    dense = Dense(str(encoder), top_k=3)
    found = answers_of(dense, knowledge_base, ["Common cold", "coryza", "Common cold"])
    assert [linked.candidates[0].name for linked in found] == ["common cold", "coryza", "common cold"]
    assert found[0].candidates[0].score == pytest.approx(1.0, abs=1e-5)
    assert all(len(linked.candidates) == 3 for linked in found)
    assert (dense.name, model_of(dense)) == ("dense-encoder", str(encoder))
    # The first token's vector: the same as the encoder itself gives.
    tokens = BertTokenizerFast.from_pretrained(encoder)("coryza", return_tensors="pt")
    vector = BertModel.from_pretrained(encoder).eval()(**tokens).last_hidden_state[0, 0].detach().numpy()
    own = dense.encoder.encode(["coryza"])[0]
    assert own == pytest.approx(vector, abs=1e-5)


def test_an_angel_model_is_known_by_its_weights(knowledge_base: KnowledgeBase) -> None:
    angel = Angel(str(SAMPLE / "reference" / "tiny"), num_beams=5, batch_size=8, name="angel-tiny")
    (linked,) = answers_of(angel, knowledge_base, ["cold"])
    assert len(linked.candidates) == 5
    before = angel.identity
    angel.linker.model.shared.weight.data[0, 0] += 1
    assert before != angel.identity
    assert model_of(angel).endswith("tiny")


def test_each_fold_may_have_its_own_model(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    for fold in "01":
        (tmp_path / f"run-{fold}").symlink_to(SAMPLE / "reference" / "tiny")
    folded = parse_predictor("angel", str(tmp_path / "run-{fold}"), num_beams=5, folds=("0", "1"))
    assert isinstance(folded, Angel)
    member = folded.of_fold("1")
    assert (member.model, member.name, member.of_fold("1")) == (str(tmp_path / "run-1"), "angel", member)
    assert len(answers_of(member, knowledge_base, ["cold"])[0].candidates) == 5
    assert model_of(folded) == str(tmp_path / "run-{fold}")
    fewer = parse_predictor("angel", folded.model, num_beams=5, folds=("0",))
    assert folded.identity != fewer.identity
    assert folded.identity == parse_predictor("angel", folded.model, num_beams=5, folds=("0", "1")).identity
    with pytest.raises(OSError, match="run-2"):
        parse_predictor("angel", folded.model, folds=("2",)).identity  # noqa: B018


def test_answers_of_a_file_score_as_the_linker_that_wrote_it(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    examples = (
        example("cold", CHRONIC),
        example("fog", COLOUR, document_id="2"),
        example("rain", COLD, document_id="3"),
    )
    task = Task(LENIENT, knowledge_base, examples, ())
    said = {"cold": ["coryza", "cold"], "fog": ["daltonism"]}
    first = answer(Scripted(said), task, tmp_path / "first")
    write_predictions(tmp_path / "own.parquet", first, origin())
    again = answer(FromFile(str(tmp_path / "own.parquet")), task, tmp_path / "again")
    assert [one.rank for one in again] == [one.rank for one in first] == [2, 1, None]


def test_belb_and_json_lines_are_read_and_ids_resolved(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    examples = (example("cold", CHRONIC), example("fog", COLOUR, document_id="2"))
    task = Task(LENIENT, knowledge_base, examples, ())
    belb = [
        {"eid": "1", "start": 0, "end": 4, "hexdigest": "ab", "y_pred": [["NIL"], [COLD, CHRONIC]]},
        {"eid": "2", "start": 0, "end": 3, "hexdigest": "cd", "y_pred": [[COLOUR]]},
    ]
    (tmp_path / "belb.json").write_text(json.dumps(belb))
    lines = [
        {"document_id": "1", "start": 0, "end": 4, "candidates": [{"concept_ids": []}, {"concept_ids": [CHRONIC]}]},
        {"document_id": "2", "start": 0, "end": 3, "candidates": [{"concept_ids": [COLOUR], "name": "x", "score": 2}]},
    ]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    for name in ("belb.json", "lines.jsonl"):
        predictor = parse_predictor(f"file:{tmp_path / name}", model="")
        assert [one.rank for one in answer(predictor, task, tmp_path / name[:4])] == [2, 1]
        assert (predictor.name, model_of(predictor)) == (f"file-{name.split('.')[0]}", name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"document_id": "1", "start": 0, "end": 4, "candidates": []}\n{', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", '{"document_id": "1", "start": 0}', r"a\.jsonl: row 1: has no 'end'"),
        (
            "a.json",
            json.dumps(2 * [{"eid": "1", "start": 0, "end": 4, "y_pred": []}]),
            r"row 2: .*the mention .* again",
        ),
        ("a.json", "[", r"a\.json: not JSON"),
        ("a.json", "[" * 100_000, r"a\.json: not JSON \(nested too deeply\)"),
        ("a.json", '{"a": 1}', r"a\.json: holds dict; expected BELB's list"),
        ("a.json", '[{"start": 0, "end": 5, "y_pred": [["D1"]]}]', r"a\.json: row 1: has no 'eid'"),
        ("a.json", '[{"eid": "1", "start": 0, "end": 5, "y_pred": "D1"}]', r"a\.json: row 1: y_pred is no list"),
        ("a.json", "[7]", r"a\.json: row 1: .*; expected eid, start, end and y_pred"),
        ("a.jsonl", '{"document_id": "1", "start": 1e400, "end": 5, "candidates": []}', r"a\.jsonl:1: .*too large"),
        ("a.jsonl", '{"document_id": "1", "start": NaN, "end": 5, "candidates": []}', r"a\.jsonl:1: .*NaN"),
        ("a.jsonl", '{"document_id": "1", "start": 0.5, "end": 5, "candidates": []}', r"row 1: offset 0.5"),
        (
            "a.jsonl",
            '{"document_id": "1", "start": 0, "end": 5, "candidates": [{"concept_ids": "D1"}]}',
            r"row 1: concept_ids is 'D1'; expected a list",
        ),
        ("a.txt", "", r"expected a file of predictions that ends in \.parquet, \.jsonl or \.json"),
        ("a.parquet", "PAR1", r"a\.parquet: not a whole Parquet file"),
    ],
)
def test_a_damaged_file_of_predictions_is_named_with_its_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        FromFile(str(tmp_path / name))


def test_answers_to_mentions_of_another_corpus_are_refused(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"document_id": "9", "start": 3, "end": 4, "candidates": []}')
    predictor = FromFile(str(tmp_path / "a.jsonl"))
    with pytest.raises(
        ValueError, match=r"answers 1 mentions that the benchmark does not have, among them \('9', 3, 4\)"
    ):
        answers_of(predictor, knowledge_base, ["cold"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "psychic",
            "'psychic'; expected one of exact, memory, tfidf, bm25, dense, angel, angel-verbatim, angel-ranked, file",
        ),
        ("dense", "expected `dense:` and a checkpoint or file"),
        ("exact:x", "exact takes nothing after a colon"),
    ],
)
def test_a_wrong_predictor_is_named_with_what_was_expected(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_predictor(spec, model="")
