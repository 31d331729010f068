"""What the entries of a knowledge base stand for, and concepts that hypothesis draws."""

from hypothesis import strategies as st

from angel_hf import Concept, KnowledgeBase


def bearers(knowledge_base: KnowledgeBase) -> dict[str, tuple[str, ...]]:
    """Shown name -> concept ids of every entry, in order."""
    entries = range(knowledge_base.num_entries)
    return {knowledge_base.entry_name(entry): knowledge_base.entry_concept_ids(entry) for entry in entries}


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6).filter(str.strip)
concept_lists = st.lists(
    st.builds(
        Concept,
        st.sampled_from("ABCDEFG"),
        st.lists(texts, min_size=1, max_size=4).map(tuple),
        *(st.lists(st.sampled_from("pqrs"), max_size=2).map(tuple) for _ in range(5)),
    ),
    min_size=1,
    max_size=8,
)
