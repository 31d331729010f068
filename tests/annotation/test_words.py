"""Words in the form that their variants share."""

from angel_hf.annotation.words import WordForms, split_words, word_form


def test_forms_are_remembered_and_those_of_endless_texts_are_not(monkeypatch):
    monkeypatch.setattr(WordForms, "MOST", 50)
    forms = WordForms()
    for number in range(200):
        text = f"Tumours{number} anaemia {'ACGT' * 20} in {number} patients"
        assert split_words(text, forms).forms == [word_form(word) for word in text.split()]
    assert len(forms) == 50
    assert forms["anaemia"] == "anemia" and "anaemia" in forms
    assert "ACGT" * 20 not in forms
