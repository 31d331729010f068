"""Training: recipes that run whole, and the parts of which a script of your own can be made.

A recipe trains from its files to a model that links (`angel train` does the same):

    recipe = read_recipe("own_corpus", ["fine_tuning.steps=200"])
    run_recipe(recipe, Path("my_data"), Path("runs/mine"))

A script of your own, from names and annotated mentions to a model that links:

    >>> from angel_hf import AngelForEntityLinking, Concept, KnowledgeBase, Mention
    >>> from angel_hf.training import (
    ...     AnnotatedMention, ConceptNames, PositiveTraining,
    ...     corpus_choices, encode_pairs, fine_tuning_pairs, train_positive,
    ... )
    >>> model = AngelForEntityLinking.from_pretrained("angel-mini")
    >>> model.set_knowledge_base(KnowledgeBase.from_concepts([
    ...     Concept("C1", ("Wilson disease", "Hepatolenticular degeneration")), Concept("C2", ("Anemia",))
    ... ]))
    >>> text = "Copper in Kinnier-Wilson disease"
    >>> mentions = [AnnotatedMention(Mention(text, 10, len(text)), ("C1",), document_id="1")]
    >>> choices = corpus_choices(mentions, ConceptNames(model.knowledge_base))
    >>> pairs = fine_tuning_pairs(choices, count=8, seed=1, weights=(1.0, 1.0))
    >>> stage = PositiveTraining(steps=2, batch_size=4, learning_rate=1e-4)
    >>> train_positive("mine", model, encode_pairs(pairs, model.processor), None, output / "checkpoints", stage, seed=1)
    >>> model.eval().link(mentions[0].mention).best.concept_ids
    ('C1',)

`PositiveTrainer` with `PairCollator`, and `PreferenceTrainer` with `PreferenceCollator`, are transformers' trainers.
"""

import angel_hf.training.extra  # noqa: F401  First, so that a missing library is reported with the extra's name.
from angel_hf.training.data.concept_names import ConceptNames
from angel_hf.training.data.corpus import AnnotatedMention, expanded, read_corpus
from angel_hf.training.data.encoding import encode_pairs, encode_preferences, group_by_length
from angel_hf.training.data.ontologies import join_ontologies
from angel_hf.training.data.pairs import Pair, corpus_choices, corpus_contexts, fine_tuning_pairs, pretraining_pairs
from angel_hf.training.model.accuracy import Accuracy, accuracy
from angel_hf.training.model.adapters import merged, with_adapter
from angel_hf.training.model.base import base_model
from angel_hf.training.model.linking import linking_model
from angel_hf.training.positive.trainer import PairCollator, PositiveTrainer, train_positive, weighted_loss
from angel_hf.training.preference.batches import PreferenceCollator
from angel_hf.training.preference.loss import LOSSES, PairScores, preference_loss
from angel_hf.training.preference.mining import mine_mentions, mine_names, name_mentions
from angel_hf.training.preference.pairs import PreferencePair, preference_pairs
from angel_hf.training.preference.pairs_file import MinedPair, read_pairs, write_pairs
from angel_hf.training.preference.reference import with_reference
from angel_hf.training.preference.trainer import PreferenceTrainer, train_preference
from angel_hf.training.recipes.reading import known_recipes, read_recipe
from angel_hf.training.recipes.schema import Adapter, Mining, Mixture, Model, PositiveTraining, Preference, Recipe
from angel_hf.training.run.pipeline import run_recipe

__all__ = [
    "Accuracy",
    "Adapter",
    "AnnotatedMention",
    "ConceptNames",
    "LOSSES",
    "MinedPair",
    "Mining",
    "Mixture",
    "Model",
    "Pair",
    "PairCollator",
    "PairScores",
    "PositiveTrainer",
    "PositiveTraining",
    "Preference",
    "PreferenceCollator",
    "PreferencePair",
    "PreferenceTrainer",
    "Recipe",
    "accuracy",
    "base_model",
    "corpus_choices",
    "corpus_contexts",
    "encode_pairs",
    "encode_preferences",
    "expanded",
    "fine_tuning_pairs",
    "group_by_length",
    "join_ontologies",
    "known_recipes",
    "linking_model",
    "merged",
    "mine_mentions",
    "mine_names",
    "name_mentions",
    "preference_loss",
    "preference_pairs",
    "pretraining_pairs",
    "read_corpus",
    "read_pairs",
    "read_recipe",
    "run_recipe",
    "train_positive",
    "train_preference",
    "weighted_loss",
    "with_adapter",
    "with_reference",
    "write_pairs",
]
