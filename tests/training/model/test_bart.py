"""A BART that is trained: several targets of a source share its one reading."""

import pytest
import torch

from angel_hf.training.model.bart import AngelBart
from tests.model.test_angel_bart import SOURCE, TARGET, small_config


@pytest.mark.parametrize("normalize_before", [False, True])
def test_targets_share_sources_that_are_read_once(normalize_before):
    torch.manual_seed(0)
    model = AngelBart(small_config(normalize_before)).double().eval()
    sources = torch.tensor([[0, 5, 6, 7, 8, 2], [0, 9, 4, 2, 1, 1]])
    mask = (sources != 1).long()
    targets = torch.randint(3, 40, (6, 5))
    rows = []
    model.get_encoder().register_forward_pre_hook(
        lambda _, args, given: rows.append(len(given["input_ids"])), with_kwargs=True
    )
    shared = model(input_ids=sources, attention_mask=mask, decoder_input_ids=targets).logits
    gradient = torch.autograd.grad(shared.square().sum(), model.model.encoder.layers[0].fc1.weight)[0]
    alone = model(input_ids=sources.repeat(3, 1), attention_mask=mask.repeat(3, 1), decoder_input_ids=targets).logits
    expected = torch.autograd.grad(alone.square().sum(), model.model.encoder.layers[0].fc1.weight)[0]
    assert rows == [2, 6]
    torch.testing.assert_close(shared, alone)
    torch.testing.assert_close(gradient, expected)
    unmasked = model(input_ids=sources[:1], decoder_input_ids=targets[[0, 2]]).logits
    torch.testing.assert_close(unmasked, shared[[0, 2]])  # the first source fills its row
    states = model.get_encoder()(input_ids=sources.repeat(3, 1), attention_mask=mask.repeat(3, 1))
    given = {"encoder_outputs": states, "attention_mask": mask.repeat(3, 1), "decoder_input_ids": targets}
    torch.testing.assert_close(model(input_ids=sources, **given).logits, alone)  # what was read before stays


def test_targets_that_do_not_share_sources_evenly_are_refused():
    model = AngelBart(small_config(normalize_before=False)).eval()
    with pytest.raises(ValueError, match="3 targets for 2 sources; expected as many, or a multiple"):
        model(input_ids=SOURCE.repeat(2, 1), decoder_input_ids=TARGET.repeat(3, 1))
