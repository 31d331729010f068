"""Spellings that share a form: plurals, British and American, numbers."""

import pytest

from angel_hf.annotation import word_lists
from angel_hf.annotation.spellings import number_form, word_form
from angel_hf.annotation.words import WordForms, split_words

PLURALS = """
    metastases/metastasis diagnoses/diagnosis neuroses/neurosis thromboses/thrombosis stenoses/stenosis
    prostheses/prosthesis paralyses/paralysis epiphyses/epiphysis crises/crisis axes/axis anaphylaxes/anaphylaxis
    diseases/disease responses/response phases/phase doses/dose causes/cause abuses/abuse kinases/kinase
    viruses/virus sinuses/sinus foetuses/fetus plexuses/plexus nystagmuses/nystagmus hydrocephaluses/hydrocephalus
    abscesses/abscess losses/loss rashes/rash complexes/complex reflexes/reflex headaches/headache
    thrombi/thrombus emboli/embolus naevi/nevus fungi/fungus bacilli/bacillus foci/focus
    fistulae/fistula vertebrae/vertebra petechiae/petechia carcinomata/carcinoma stigmata/stigma
    diverticula/diverticulum bacteria/bacterium septa/septum arthritides/arthritis vasculitides/vasculitis
    deficiencies/deficiency biopsies/biopsy flies/fly cervices/cervix larynges/larynx children/child teeth/tooth
    """
BRITISH = """
    haemophilia/hemophilia anaemia/anemia leukaemia/leukemia leucaemia/leukemia leucocytosis/leukocytosis
    tumour/tumor oedema/edema oesophagitis/esophagitis paediatric/pediatric diarrhoea/diarrhea foetal/fetal
    fibre/fiber fibreoptic/fiberoptic calibre/caliber centre/center sulphaemoglobinaemia/sulfhemoglobinemia
    generalised/generalized localisation/localization paralysed/paralyzed ageing/aging disc/disk discs/disk
    neurones/neuron coeliac/celiac caecum/cecum anaesthesia/anesthesia
    Sjoegren/Sjogren Moebius/Mobius Waldenstroem/Waldenstrom
    """
DIFFERENT = """
    diabetes/diabetic lupus/lupu A/B basis/base tetani/tetanus typhi/typhus pneumoniae/pneumonia cholerae/cholera
    iris/iridis virus/vira type/typhus anus/anu mania/manus glucose/glucosis
    """


def pairs(table):
    return [tuple(pair.split("/")) for pair in table.split()]


@pytest.mark.parametrize(("left", "right"), [*pairs(PLURALS), *pairs(BRITISH)])
def test_spellings_of_one_word_share_a_form(left, right):
    assert word_form(left) == word_form(right)
    assert word_form(left.upper()) == word_form(right.capitalize())


@pytest.mark.parametrize(("left", "right"), pairs(DIFFERENT))
def test_different_words_do_not(left, right):
    assert word_form(left) != word_form(right)


@pytest.mark.parametrize("words", [word_lists.ORDINARY_WORDS, word_lists.QUALIFIERS, word_lists.KINDS])
def test_word_lists_hold_forms(words):
    assert {word: word_form(word) for word in words} == {word: word for word in words}


@pytest.mark.parametrize(
    ("roman", "arabic"),
    [("I", "1"), ("II", "2"), ("iv", "4"), ("IX", "9"), ("XIII", "13"), ("IIb", "2b"), ("Ia", "1a"), ("VIc", "6c")],
)
def test_roman_numbers(roman, arabic):
    assert number_form(roman) == arabic


@pytest.mark.parametrize("word", ["ill", "mix", "via", "vie", "k", "IIII", "iix", "IXK", "2", ""])
def test_what_is_no_roman_number(word):
    assert number_form(word) is None


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("type V glycogenosis", "type 5 glycogenosis"),
        ("types I, II and V", "type 1 2 and 5"),
        ("type I/II", "type 1 2"),
        ("factor Xa and factor IX", "factor 10a and factor 9"),
        ("GRADE IA", "grade 1a"),
        ("vitamin K and vitamin V", "vitamin k and vitamin v"),
        ("fragile X, X-linked, I-cell", "fragile x x linked i cell"),
        ("factor X-linked", "factor x linked"),
        ("of this type I think, type I was", "of this type i think type 1 was"),
        ("I saw type I", "i saw type 1"),
        ("TGFbeta1, IL1beta, alpha1-antitrypsin", "tgf beta 1 il1 beta alpha 1 antitrypsin"),
        ("alphabet, betamethasone, Alpha", "alphabet betamethasone alpha"),
        ("Wilson's I's", "wilson i"),
    ],
)
def test_numbers_and_greek_letters_are_read_in_their_place(text, forms):
    words = split_words(text, WordForms())
    assert words.forms == forms.split()
    assert all(text[start:end].isalnum() for start, end in zip(words.starts, words.ends))
