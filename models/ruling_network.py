"""The network that sees ruling lines: a slim U-Net with strip convolutions.

Input: batch × 1 × H × W grey in 0..1 at ``extraction.grid.lines.RULING_DPI``, H and W multiples
of 16.
Output: batch × 2 × H/2 × W/2 logits, horizontal and vertical rulings. A ruling is a long
thin thing, so the deepest level mixes along whole strips (1 × k and k × 1) at low cost.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STRIP = 15


def conv(inputs: int, outputs: int, *, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class StripMix(nn.Module):
    """Look far along rows and columns, so that a gap in a line is seen as a gap."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        along, across = (1, STRIP), (STRIP, 1)
        half = STRIP // 2
        self.horizontal = nn.Conv2d(channels, channels, along, padding=(0, half), groups=channels)
        self.vertical = nn.Conv2d(channels, channels, across, padding=(half, 0), groups=channels)
        self.mix = conv(3 * channels, channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.mix(torch.cat([x, self.horizontal(x), self.vertical(x)], dim=1))
        return x + mixed


class RulingNetwork(nn.Module):
    def __init__(self, widths: tuple[int, int, int, int] = (16, 24, 40, 64)) -> None:
        super().__init__()
        a, b, c, d = widths
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), conv(4, a), conv(a, a))
        self.down1 = nn.Sequential(conv(a, b, stride=2), conv(b, b))
        self.down2 = nn.Sequential(conv(b, c, stride=2), conv(c, c), StripMix(c))
        self.down3 = nn.Sequential(conv(c, d, stride=2), conv(d, d), StripMix(d), StripMix(d))
        self.up2 = nn.Sequential(conv(c + d, c), StripMix(c))
        self.up1 = conv(b + c, b)
        self.up0 = conv(a + b, a)
        self.head = nn.Conv2d(a, 2, 1)

    def forward(self, grey: Tensor) -> Tensor:
        full = self.stem(grey)
        half = self.down1(full)
        quarter = self.down2(half)
        eighth = self.down3(quarter)
        x = self.up2(torch.cat([quarter, _twice(eighth)], dim=1))
        x = self.up1(torch.cat([half, _twice(x)], dim=1))
        x = self.up0(torch.cat([full, _twice(x)], dim=1))
        logits: Tensor = self.head(x)
        return logits


def _twice(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
