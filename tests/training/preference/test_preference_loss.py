"""Every loss equals what TRL computes, and DPO a formula written by hand."""

import math
from importlib import metadata
from types import SimpleNamespace

import pytest
import torch
from trl import DPOTrainer

from angel_hf.training.preference.loss import LOSSES, PairScores, check_trl, preference_loss

PAIRS, LENGTH = 5, 7


@pytest.fixture(scope="module")
def tokens():
    """Log-probabilities of the tokens of chosen and rejected names, policy and reference, and which of them count."""
    generator = torch.Generator().manual_seed(3)
    policy = -3 * torch.rand(2 * PAIRS, LENGTH, generator=generator, dtype=torch.float64)
    reference = -3 * torch.rand(2 * PAIRS, LENGTH, generator=generator, dtype=torch.float64)
    lengths = torch.randint(2, LENGTH + 1, (2 * PAIRS,), generator=generator)
    counted = torch.arange(LENGTH) < lengths[:, None]
    return policy * counted, reference * counted, counted


@pytest.fixture(scope="module")
def scores(tokens):
    policy, reference, counted = tokens
    return PairScores(
        *policy.sum(1).chunk(2), *reference.sum(1).chunk(2), *counted.sum(1).double().chunk(2)
    )  # fmt: skip


def trl_loss(tokens, name, beta):
    """TRL's loss for the log-probabilities of a stand-in for a model."""
    policy, reference, counted = tokens

    def model(**_):
        nothing = torch.zeros_like(policy)
        return SimpleNamespace(log_probs=policy, entropy=nothing, mean_logits=nothing, is_top1=counted)

    model.training = True
    # A first token that never counts, as TRL shifts by one.
    mask = torch.cat([torch.zeros(2 * PAIRS, 1, dtype=torch.bool), counted], dim=1).long()
    trainer = SimpleNamespace(
        model=model,
        accelerator=SimpleNamespace(device="cpu", gather=lambda x: x, gather_for_metrics=lambda x: x),
        aux_loss_enabled=False,
        ld_alpha=None,
        precompute_ref_logps=True,
        f_divergence_type="reverse_kl",
        loss_types=[name],
        loss_weights=[1.0],
        beta=beta,
        label_smoothing=0.0,
        use_weighting=False,
        _metrics={"train": {key: [] for key in METRICS}},
        _total_train_tokens=0,
        _tp_size=1,
    )
    sums = reference.sum(1)
    inputs = {
        "input_ids": mask,
        "attention_mask": torch.ones_like(mask),
        "completion_mask": mask,
        "ref_chosen_logps": sums[:PAIRS],
        "ref_rejected_logps": sums[PAIRS:],
    }
    return DPOTrainer._compute_loss(trainer, model, inputs, False)


METRICS = (
    "entropy", "num_tokens", "logits/chosen", "logits/rejected", "mean_token_accuracy", "rewards/chosen",
    "rewards/rejected", "rewards/accuracies", "rewards/margins", "logps/chosen", "logps/rejected",
)  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("beta", [0.1, 0.7])
def test_a_loss_is_what_trl_computes(tokens, scores, name, beta):
    ours = preference_loss(scores, [name], [1.0], beta, normalized=False)
    torch.testing.assert_close(ours, trl_loss(tokens, name, beta), rtol=1e-6, atol=1e-7)


def test_dpo_and_its_gradient_are_the_formula_written_by_hand(tokens):
    """Reference != policy, so that leaving the reference out, or turning it round, shows."""
    policy, reference, _ = tokens
    beta, variable = 0.3, policy.clone().requires_grad_()
    sums, kept = variable.sum(1), reference.sum(1)
    counts = torch.ones(PAIRS, dtype=torch.float64)
    scores = PairScores(sums[:PAIRS], sums[PAIRS:], kept[:PAIRS], kept[PAIRS:], counts, counts)
    loss = preference_loss(scores, ["sigmoid"], [1.0], beta, normalized=False)
    loss.backward()
    total, gradient = 0.0, torch.zeros_like(policy)
    for pair in range(PAIRS):
        log_ratios = [(sums[row] - kept[row]).item() for row in (pair, pair + PAIRS)]
        margin = beta * (log_ratios[0] - log_ratios[1])
        total += math.log(1 + math.exp(-margin)) / PAIRS
        slope = beta / (1 + math.exp(margin)) / PAIRS
        gradient[pair], gradient[pair + PAIRS] = -slope, slope
    assert loss.item() == pytest.approx(total, rel=1e-12)
    torch.testing.assert_close(variable.grad, gradient)


def test_losses_are_added_up_by_their_weights(scores):
    both = preference_loss(scores, ["sigmoid", "sft"], [1.0, 0.5], 0.1, normalized=False)
    one, other = (preference_loss(scores, [name], [1.0], 0.1, normalized=False) for name in ("sigmoid", "sft"))
    torch.testing.assert_close(both, one + 0.5 * other)


def test_normalised_sums_are_means(tokens, scores):
    means = preference_loss(scores, ["sigmoid"], [1.0], 0.4, normalized=True)
    torch.testing.assert_close(means, trl_loss(tokens, "sigmoid_norm", 0.4), rtol=1e-6, atol=1e-7)
    assert means != preference_loss(scores, ["sigmoid"], [1.0], 0.4, normalized=False)
    likelihoods = [preference_loss(scores, ["sft"], [1.0], 0.4, normalized=choice) for choice in (True, False)]
    assert likelihoods[0] == likelihoods[1]


@pytest.mark.parametrize("version", ["1.0.0", "1.17.0", "0.29.1", None])
def test_another_trl_is_refused(monkeypatch, version):
    def found(_):
        if version is None:
            raise metadata.PackageNotFoundError
        return version

    monkeypatch.setattr(metadata, "version", found)
    with pytest.raises(ImportError, match=rf"options from TRL 1.16 and found {version or 'none'}; .*'trl==1.16.\*'"):
        check_trl()
