"""Batch normalisation whose gain and bias follow from a condition: how a generator is told what to draw."""

from __future__ import annotations

from torch import Tensor, nn

# B batch, C channels, H height, W width, K width of the condition


class ConditionalNorm(nn.Module):
    """(1 + gain(condition)) norm(x) + bias(condition), norm being batch normalisation.

    Source: de Vries et al. 2017, arXiv 1707.00683, section 3.1, as in arXiv 1802.05637, appendix.
    Differs: gain and bias are linear in the condition, which may be a class, a sentence or random numbers.
    """

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.told = nn.Linear(condition, 2 * channels)
        nn.init.normal_(self.told.weight, std=0.1)
        nn.init.zeros_(self.told.bias)

    def forward(self, x_BCHW: Tensor, condition_BK: Tensor) -> Tensor:
        """Return BCHW."""
        x_BCHW = self.norm(x_BCHW)
        gain_BC, bias_BC = self.told(condition_BK).chunk(2, dim=1)
        return x_BCHW * (1 + gain_BC)[..., None, None] + bias_BC[..., None, None]
