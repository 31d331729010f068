"""How long a visitor waits: what is measured, and that it is printed beside its target."""

import sys

from angel_hf import AngelForEntityLinking, KnowledgeBase
from benchmarks.annotation import EXAMPLE, main
from tests.conftest import SAMPLE


def test_every_time_is_printed_beside_its_target(tmp_path, monkeypatch, capsys):
    model = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny")
    model.set_knowledge_base(KnowledgeBase.from_names({"D1": ["Wilson disease"], "D2": ["breast cancer"]}))
    model.save_pretrained(tmp_path)
    monkeypatch.setattr(sys, "argv", ["annotation", "--model", str(tmp_path), "--corpus", str(EXAMPLE)])
    main()
    told = capsys.readouterr().out
    for line in ("first answer after that", "an abstract of 1,283 characters", "detection of names"):
        assert line in told
    assert "target <= 10" in told and "target about 1" in told and "target >= 1" in told
